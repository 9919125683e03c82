"""What every kind of training decides about its steps: plain data, recorded in `run.json`."""

from dataclasses import dataclass, replace
from typing import Any, Self

from ..engine.distributed import Workers
from ..engine.step_plan import StepPlan
from .pace import TrainingTime


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How many steps, of how many pictures, and how they are computed.

    `steps` is None until the budget of time has settled it. Where there is a `time`, steps are
    revised on the way, and so is the record.
    """

    batch: int
    steps: StepPlan | None = None
    compute: str = "float32"
    threads: int = 1
    workers: int = 1
    time: TrainingTime | None = None

    @property
    def step_plan(self) -> StepPlan:
        """The steps, once they are settled."""
        assert self.steps is not None  # noqa: S101
        return self.steps

    def among(self, workers: Workers, threads: int | None) -> Self:
        """The same for as many workers as there are now, with threads that suit them."""
        if self.workers == workers.world_size:
            return self
        return replace(self, workers=workers.world_size, threads=threads or workers.cores())

    @staticmethod
    def decoded(record: dict[str, Any]) -> dict[str, Any]:
        """Steps and time as they are, of `dataclasses.asdict` by way of JSON.

        Raises `KeyError` or `TypeError`.
        """
        steps, time = record["steps"], record["time"]
        return {
            **record,
            "steps": None if steps is None else StepPlan.from_record(steps),
            "time": None if time is None else TrainingTime(**time),
        }
