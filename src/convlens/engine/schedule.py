"""How long training goes on, at which sides, and when it is measured: plain data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A part of training, up to a step: the side of the pictures, and a step's seconds as timed."""

    until: int
    side: int
    seconds: float


@dataclass(frozen=True)
class StepPlan:
    """The stages in order, and how often to measure on the validation pictures."""

    stages: tuple[Phase, ...]
    measure_every: int

    @property
    def steps(self) -> int:
        """Where training ends."""
        return self.stages[-1].until if self.stages else 0

    def side(self, step: int) -> int:
        """The side of the pictures at a step, 0 to steps - 1."""
        return next(stage.side for stage in self.stages if step < stage.until)

    def seconds(self, steps: int) -> float:
        """What so many steps take, as timed."""
        begins = (0, *(stage.until for stage in self.stages))
        return sum(
            stage.seconds * max(0, min(steps, stage.until) - begin)
            for stage, begin in zip(self.stages, begins, strict=False)
        )

    def left(self, done: int, seconds: float) -> float:
        """Seconds that the remaining steps will take, when `done` steps took so many seconds."""
        timed = self.seconds(done)
        return (self.seconds(self.steps) - timed) * (seconds / timed if timed else 1.0)
