"""fastai as its quick start has it: a ResNet-18, its usual variations, one cycle.

python run_fastai.py FOLDER SIZE EPOCHS
"""

import sys
from pathlib import Path
from typing import Any

from epochs import report_epoch
from fastai.vision.all import (
    Callback,
    ImageDataLoaders,
    Resize,
    accuracy,
    aug_transforms,
    resnet18,
    vision_learner,
)


class Report(Callback):  # type: ignore[misc]
    """Each epoch's accuracy."""

    order = 60  # after the recorder

    def after_epoch(self) -> None:
        """After validation."""
        report_epoch(epoch=self.epoch + 1, accuracy=float(self.recorder.values[-1][-1]))


def main() -> None:
    folder, size, epochs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    resized: dict[str, Any] = {} if size <= 32 else {"item_tfms": Resize(size)}
    loaders = ImageDataLoaders.from_folder(
        folder, train="train", valid="val", batch_tfms=aug_transforms(), **resized
    )
    learner = vision_learner(loaders, resnet18, pretrained=False, metrics=accuracy)
    learner.unfreeze()
    learner.fit_one_cycle(epochs, cbs=Report())


if __name__ == "__main__":
    main()
