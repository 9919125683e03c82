"""Fine-tuning ends early where it is clear that the features as they were will stay ahead."""

from collections.abc import Callable

from .checkpoint import Progress
from .distributed import SINGLE_PROCESS, Workers
from .step_plan import Revise, StepPlan

DONE = 0.4
"""The share of a training from which on it may be lost: most that win are behind before."""
TIMES, MORE = 1.5, 0.2
"""J of validation pictures is that many times, and that much, above the features' as they were.

Measured by `benchmarks/accuracy/early_stop.py`.
"""


def is_lost(progress: Progress, *, done: float) -> bool:
    """Whether fine-tuning that has not led yet is so far behind that it will not any more.

    Args:
        progress: Of a training that measured before its first step, and has just measured again.
        done: The share of it that is done, 0 to 1.
    """
    first, last = progress.history[0]["cost_val"], progress.history[-1]["cost_val"]
    if progress.best_step or first is None or done < DONE:
        return False
    return is_far_above(last, first, times=TIMES, more=MORE)


def is_far_above(cost: float, frozen: float, *, times: float, more: float) -> bool:
    """Whether a cost is both so many times that of the frozen features, and so much above it."""
    return cost > max(times * frozen, frozen + more)


class EarlyStopping:
    """Ends a training that is lost, for `Loop`; else its plan is what `revise` makes of it.

    Args:
        revise: Decides otherwise.
        record: Called with the plan that ends here.
        workers: The processes that share the training; the first one decides.
    """

    def __init__(
        self,
        revise: Revise,
        *,
        record: Callable[[StepPlan], None],
        workers: Workers = SINGLE_PROCESS,
    ) -> None:
        self._revise = revise
        self._record = record
        self._workers = workers

    def __call__(self, plan: StepPlan, progress: Progress) -> StepPlan:
        """The plan from this step on."""
        step, history = progress.step, progress.history
        measured = bool(history) and history[-1]["step"] == step
        if not measured or not self._workers.broadcast(
            lambda: is_lost(progress, done=plan.done(step))
        ):
            return self._revise(plan, progress)
        plan = plan.ended(step)
        if self._workers.first:
            self._record(plan)
        return plan
