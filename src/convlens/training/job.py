"""What every step of a training needs, as one value."""

from dataclasses import KW_ONLY, dataclass, replace

from ..dataset.prepare import Dataset
from ..engine.callbacks import Callback
from ..engine.distributed import Workers
from ..options import TrainOptions
from ..tasks.learning import Learning, Objective
from ..tasks.task import Task, task_named


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

    @property
    def task(self) -> Task:
        """The kind of answer that the pictures are labelled for."""
        return task_named(self.dataset.task)

    @property
    def learning(self) -> Learning:
        """What training needs of that task."""
        return self.task.learning()

    def objective(self, *, pretrained: bool) -> Objective:
        """How a network learns the training pictures as they are split."""
        return self.learning.objective(
            self.options.loss,
            self.dataset.examples("train").labels,
            classes=len(self.dataset.classes),
            pretrained=pretrained,
        )
