"""How long training goes on, at which sizes of pictures, and when it is measured: plain data."""

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Phase:
    """A part of training: up to `end`, pictures are squares of `size` pixels a side.

    `seconds` are those of one step, as timed.
    """

    end: int
    size: int
    _: KW_ONLY
    seconds: float


@dataclass(frozen=True)
class StepPlan:
    """The phases in order, and after how many steps each to measure on the validation pictures."""

    phases: tuple[Phase, ...]
    measure_every: int

    @property
    def steps(self) -> int:
        """Where training ends."""
        return self.phases[-1].end if self.phases else 0

    def size(self, step: int) -> int:
        """The size of the pictures at a step, 0 to steps - 1."""
        return next(phase.size for phase in self.phases if step < phase.end)

    def measures(self, done: int) -> bool:
        """Whether to measure after so many steps: regularly, and at the end."""
        return done == self.steps or done % self.measure_every == 0

    def seconds(self, steps: int) -> float:
        """What the first so many steps take, as timed."""
        begins = (0, *(phase.end for phase in self.phases))
        return sum(
            phase.seconds * max(0, min(steps, phase.end) - begin)
            for phase, begin in zip(self.phases, begins, strict=False)
        )

    def seconds_left(self, done: int, seconds: float) -> float:
        """What the remaining steps will take, when `done` steps took so many seconds."""
        timed = self.seconds(done)
        return (self.seconds(self.steps) - timed) * (seconds / timed if timed else 1.0)
