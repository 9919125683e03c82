"""A training keeps within its time, whatever else the machine does: its steps are decided anew.

On the way the clock shows how fast steps are. Where the end would come too late, or too early, what
is left of the training is spread over fewer steps, or over more. Every decision is recorded, so
that the training can be repeated without a clock.
"""

import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from ..engine.checkpoint import Progress
from ..engine.distributed import SINGLE_PROCESS, Workers
from ..engine.step_plan import StepPlan

LOOKS = 100
"""So many times in a training the clock is looked at, after equal numbers of steps."""
LISTENED = 0.05
"""Share of the time over which the speed of steps is taken."""
MISSED = 0.02
"""Share of the time by which the end may come too early or too late."""


@dataclass(frozen=True)
class TrainingTime:
    """How many seconds a training has.

    A measurement takes `measuring` of them, as timed. `afterwards` are those of what follows the
    steps, on a machine as fast as when it was planned, for which time is set aside already. There
    are never more than `most_steps`.
    """

    seconds: float
    _: KW_ONLY
    measuring: float = 0.0
    afterwards: float = 0.0
    most_steps: int | None = None


class Pace:
    """Revises the steps of one training, for `Loop`.

    Args:
        available: The time for it.
        measure_every: After how many steps to measure, of the number of steps in all and of how
            many steps' time a measurement takes.
        record: Called with every plan that takes the place of the one before.
        workers: The processes that share the training; the first one's clock decides.
    """

    def __init__(
        self,
        available: TrainingTime,
        *,
        measure_every: Callable[[int, float], int],
        record: Callable[[StepPlan], None],
        workers: Workers = SINGLE_PROCESS,
    ) -> None:
        self._available = available
        self._measure_every = measure_every
        self._record = record
        self._workers = workers
        self._begun: float | None = None
        self._listened_from = (0.0, 0.0)

    def __call__(self, plan: StepPlan, progress: Progress) -> StepPlan:
        """The plan from this step on."""
        step = progress.step
        if self._begun is None:
            self._begun = time.perf_counter() - progress.seconds
            self._listened_from = self._steps_so_far(plan, progress)
        if step < progress.settled or step % max(1, plan.steps // LOOKS):
            return plan
        steps, every = self._workers.broadcast(lambda: self._affordable(plan, progress))
        if steps == plan.steps:
            return plan
        plan = plan.revised(step, steps, measure_every=every)
        if self._workers.first:
            self._record(plan)
        return plan

    def _affordable(self, plan: StepPlan, progress: Progress) -> tuple[int, int]:
        """How many steps there should be in all, and after how many to measure from here on."""
        assert self._begun is not None  # noqa: S101
        step, available, as_planned = progress.step, self._available, (plan.steps, 0)
        now = self._steps_so_far(plan, progress)
        spent, timed = (a - b for a, b in zip(now, self._listened_from, strict=True))
        if timed <= 0 or spent < LISTENED * available.seconds:
            return as_planned
        self._listened_from = now
        slower = spent / timed
        late = available.afterwards * max(0.0, slower - 1)
        left = available.seconds - (time.perf_counter() - self._begun) - late
        measuring = slower * available.measuring
        if progress.history:
            measuring = progress.measuring / len(progress.history)
        stepping = slower * (plan.seconds(plan.steps) - now[1])
        needed = stepping + measuring * plan.measurements(step)
        if abs(needed - left) <= MISSED * available.seconds:
            return as_planned
        seconds = stepping / (plan.steps - step)
        regularly = measuring / plan.phases[-1].measure_every  # beside the one at the end
        steps = step + max(1, round((left - measuring) / (seconds + regularly)))
        steps = min(steps, available.most_steps or steps)
        return steps, self._measure_every(steps, measuring / seconds)

    @staticmethod
    def _steps_so_far(plan: StepPlan, progress: Progress) -> tuple[float, float]:
        """Seconds that went into steps, and what these take as timed."""
        return progress.seconds - progress.measuring, plan.seconds(progress.step)
