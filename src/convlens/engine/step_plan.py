"""How long training goes on, at which sizes of pictures, and when it is measured: plain data."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

from .checkpoint import Progress


@dataclass(frozen=True)
class Phase:
    """The steps from `begin` up to `end`, on squares of `size` pixels a side.

    At its beginning a share `done` of all training is done, and each step does a share `pace` more.
    It is measured after every `measure_every` steps from the step `measured` on, which was the last
    measured one. `seconds` are those of one step, as timed.
    """

    begin: int
    end: int
    size: int
    _: KW_ONLY
    done: float
    pace: float
    measure_every: int
    measured: int = 0
    seconds: float

    def done_at(self, step: int) -> float:
        """The share of all training that is done before a step."""
        return self.done + self.pace * (step - self.begin)

    def measurements(self, since: int, until: int) -> int:
        """How many there are after a step, until another one."""
        before, after = (
            (step - self.measured) // self.measure_every
            for step in (max(self.begin, since), min(self.end, until))
        )
        return max(0, after - before)


@dataclass(frozen=True)
class StepPlan:
    """The phases of a training in order; without any there are no steps.

    Learning rates and the like follow from the share of all training that is done, not from the
    number of steps. So a plan may be revised on the way, and training still comes to its end.
    """

    phases: tuple[Phase, ...] = ()

    @staticmethod
    def of(
        steps: int, timed: Sequence[tuple[float, int, float]], *, measure_every: int
    ) -> "StepPlan":
        """So many steps, in parts given as (share of the steps, side, seconds of a step)."""
        phases: list[Phase] = []
        share = 0.0
        for part, size, seconds in timed:
            share += part
            begin, end = phases[-1].end if phases else 0, round(share * steps)
            if end > begin:
                phase = Phase(
                    begin,
                    end,
                    size,
                    done=begin / steps,
                    pace=1 / steps,
                    measure_every=measure_every,
                    seconds=seconds,
                )
                phases.append(phase)
        return StepPlan(tuple(phases))

    def revised(self, at: int, steps: int, *, measure_every: int) -> "StepPlan":
        """The same up to a step; what is left of the training then takes until `steps`."""
        phases = [*self.ended(at).phases]
        begin, done = at, self.done(at)
        measured = next((step for step in range(at, 0, -1) if self.measures(step)), 0)
        for phase in self.phases:
            if phase.end <= at:
                continue
            last = phase.end == self.steps
            part = (phase.end - at) / (self.steps - at)
            end = steps if last else min(at + round(part * (steps - at)), steps - 1)
            if end > begin:
                then = phase.done_at(phase.end)
                pace = (then - done) / (end - begin)
                phases.append(
                    replace(
                        phase,
                        begin=begin,
                        end=end,
                        done=done,
                        pace=pace,
                        measure_every=measure_every,
                        measured=measured,
                    )
                )
                begin, done = end, then
        return StepPlan(tuple(phases))

    def ended(self, at: int) -> "StepPlan":
        """The same up to a step, where training ends."""
        return StepPlan(tuple(replace(p, end=min(p.end, at)) for p in self.phases if p.begin < at))

    @staticmethod
    def from_record(record: dict[str, Any]) -> "StepPlan":
        """Back from `dataclasses.asdict`, by way of JSON. Raises `KeyError` or `TypeError`."""
        return StepPlan(tuple(Phase(**phase) for phase in record["phases"]))

    @property
    def steps(self) -> int:
        """Where training ends."""
        return self.phases[-1].end if self.phases else 0

    def _phase(self, step: int) -> Phase:
        return next((p for p in self.phases if step < p.end), self.phases[-1])

    def size(self, step: int) -> int:
        """The size of the pictures at a step, 0 to steps - 1."""
        return self._phase(step).size

    def done(self, step: int) -> float:
        """The share of all training that is done before a step, 0 to 1."""
        return self._phase(step).done_at(step)

    def measures(self, step: int) -> bool:
        """Whether to measure when so many steps are done, 1 to steps: regularly, and at the end."""
        return step == self.steps or self._phase(step - 1).measurements(step - 1, step) > 0

    def measurements(self, since: int) -> int:
        """How many measurements there will be when so many steps are done already."""
        end = self.steps
        before_end = sum(phase.measurements(since, end - 1) for phase in self.phases)
        return before_end + (since < end)

    def seconds(self, steps: int) -> float:
        """What the first so many steps take, as timed."""
        return sum(p.seconds * max(0, min(steps, p.end) - p.begin) for p in self.phases)

    def seconds_left(self, done: int, seconds: float) -> float:
        """What the remaining steps will take, when `done` steps took so many seconds."""
        timed = self.seconds(done)
        return (self.seconds(self.steps) - timed) * (seconds / timed if timed else 1.0)


Revise = Callable[[StepPlan, Progress], StepPlan]
"""From the plan so far, and what training has come to, the plan from there on."""


def keep(plan: StepPlan, _: Progress) -> StepPlan:
    """The plan as it is."""
    return plan
