"""What every step of a training needs, as one value."""

from dataclasses import KW_ONLY, dataclass, replace

import torch

from ..dataset.prepare import Dataset
from ..engine.callbacks import Callback
from ..engine.distributed import Workers
from ..engine.loss import Loss, make_loss
from ..options import TrainOptions


@dataclass(frozen=True)
class Job:
    """The pictures, the options, the processes that share the work, and who hears of it."""

    dataset: Dataset
    options: TrainOptions
    _: KW_ONLY
    workers: Workers
    callback: Callback

    def on(self, dataset: Dataset) -> "Job":
        """The same on other pictures, or on the same ones split otherwise."""
        return replace(self, dataset=dataset)

    def alone(self) -> "Job":
        """The same in this process only."""
        return replace(self, workers=Workers())

    def loss(self, *, pretrained: bool) -> Loss:
        """The loss for the training pictures as they are split."""
        return make_loss(
            self.options.loss,
            torch.from_numpy(self.dataset.examples("train").labels),
            classes=len(self.dataset.classes),
            pretrained=pretrained,
        )
