"""Ultralytics classify: torchvision's ResNet-18 under its trainer on all cores, else as it comes.

python run_ultralytics.py FOLDER SIZE EPOCHS
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from epochs import report_epoch
from ultralytics.models.yolo.classify import ClassificationTrainer
from ultralytics_cores import use_all_cores

NETWORK = """
nc: 1000
backbone:
  - [-1, 1, TorchVision, [512, resnet18, null, True, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""
"""torchvision's ResNet-18 without its last two layers, from random parameters."""


def main() -> None:
    folder, size, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    use_all_cores()
    with tempfile.TemporaryDirectory() as out:
        written = Path(out) / "resnet18-cls.yaml"
        written.write_text(NETWORK)
        overrides = {
            "model": str(written),
            "pretrained": False,
            "data": folder,
            "imgsz": size,
            "epochs": epochs,
            "project": out,
            "plots": False,
            "verbose": False,
        }
        trainer = ClassificationTrainer(overrides=overrides)

        def after_epoch(trainer: Any) -> None:
            if trainer.epoch < epochs:  # once more at the end, with the best parameters
                report_epoch(
                    epoch=trainer.epoch + 1, accuracy=trainer.metrics["metrics/accuracy_top1"]
                )

        trainer.add_callback("on_fit_epoch_end", after_epoch)
        trainer.train()


if __name__ == "__main__":
    main()
