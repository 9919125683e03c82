"""How much time there is for a training, and how many steps fit into it: the clock decides."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..dataset.augment import augmentations_for
from ..engine.early_stopping import EarlyStopping
from ..engine.step_plan import Revise, StepPlan, keep
from .backbones import REST
from .job import Job, timed
from .model import Model
from .pace import Pace, TrainingTime
from .plan import RunPlan
from .rehearsal import Timing, time_afterwards, time_steps

SCRATCH = (55, 5.0, 45.0)
"""From random parameters: a minute for so many training pictures, least and most minutes."""
TUNING = (200, 0.5, 10.0)
"""The same for fine-tuning."""
MOST_EPOCHS = {True: 30, False: 400}
"""By default no more passes than these for pretrained and for random parameters."""

FEWEST_MEASURED = 5
"""Measurements of a run at least: after each the state is saved, so this is the share of a training
that is lost at most where the machine fails. Averaged parameters at the end of a falling rate are
nearly always the best, so more measurements seldom find better ones."""
MEASURING = 0.12
"""The most time for them, as a share of the time for steps."""
ENDING = ("exporting", "proving", "judging", "writing")
"""The parts that follow the steps."""
LOST = "as fine-tuning is far behind the features as they are"
"""Why it ends early."""
LEAST = {True: 0.0, False: 0.2}
"""Of the minutes asked for, the share that goes into training however long all else takes, with
pretrained features, which make a detector as they are, and with random parameters."""


@timed("timing", "timing the ways to compute")
def fit_to_budget(job: Job, model: Model, *, plan: RunPlan) -> RunPlan:
    """The plan with its steps, by the time that a step takes; unchanged where steps are settled.

    Minutes that are asked for are those of the whole: of what came before, of every fold's training
    and the last one, and of what comes after. Workers take the timed steps together; the first
    one's clock decides.
    """
    if plan.steps is not None:
        return plan
    pictures = len(job.dataset.examples("train"))
    available = _time_for_training(job, plan)
    timing = time_steps(job, model, plan=plan, seconds=available.seconds if available else None)
    if available is not None:
        if available.most_steps is None:
            available = _without_the_rest(job, model, plan=plan, available=available)
        available = replace(available, measuring=timing.measuring)
    steps = _count_steps(job, plan, timing=timing, available=available)
    every = measure_every(job, plan, steps, timing.measuring / timing.mean_seconds)
    plan = replace(
        plan,
        steps=StepPlan.of(steps, timing.phases, measure_every=every),
        augment=_augmentations(job, plan, epochs=steps * plan.batch / pictures),
        compute=timing.execution.config.name,
        threads=timing.execution.threads,
        time=available,
    )
    _describe(job, plan, timing=timing)
    return plan


def pace(job: Job, plan: RunPlan, *, record: Callable[[StepPlan, str], None]) -> Revise:
    """What keeps a training within its time, and ends one that is lost.

    Nothing where its steps are settled. `record` is called with every plan that takes the place of
    the one before, and why.
    """
    if plan.time is None:
        return keep
    in_time = Pace(
        plan.time,
        measure_every=partial(measure_every, job, plan),
        record=lambda steps: record(steps, "so as to end in time"),
        workers=job.workers,
    )
    if not plan.pretrained or job.dataset.lessons is not None:
        return in_time
    return EarlyStopping(in_time, record=lambda steps: record(steps, LOST), workers=job.workers)


def measure_every(job: Job, plan: RunPlan, steps: int, measuring: float) -> int:
    """After how many of so many steps to measure: once an epoch, if that is not too often.

    A measurement takes as long as `measuring` steps.
    """
    every = len(job.dataset.examples("train")) / plan.batch
    every = min(max(every, steps / 40), steps / FEWEST_MEASURED)
    return max(1, round(max(every, measuring / MEASURING)))


def _time_for_training(job: Job, plan: RunPlan) -> TrainingTime | None:
    """For each, a part of the minutes asked for, or by default more for more pictures.

    None where steps or epochs are asked for.
    """
    budget, pictures = job.options.budget, len(job.dataset.examples("train"))
    if not budget.by_time:
        return None
    if budget.minutes is not None:
        return TrainingTime(60 * budget.minutes / plan.trainings)
    per_minute, least, most = TUNING if plan.pretrained else SCRATCH
    return TrainingTime(
        60 * min(most, max(least, pictures / per_minute)),
        most_steps=math.ceil(MOST_EPOCHS[plan.pretrained] * pictures / plan.batch),
    )


def _without_the_rest(
    job: Job, model: Model, *, plan: RunPlan, available: TrainingTime
) -> TrainingTime:
    """What is left of it without all that went before, and all that will come afterwards."""

    def left() -> tuple[float, float]:
        afterwards = time_afterwards(job, model, plan=plan) / plan.trainings
        spent = sum(job.stopwatch.seconds().values()) / plan.trainings
        least = LEAST[plan.pretrained] * available.seconds
        return max(least, available.seconds - spent - afterwards), afterwards

    seconds, afterwards = job.workers.broadcast(left)
    return TrainingTime(seconds, afterwards=afterwards)


def _count_steps(job: Job, plan: RunPlan, *, timing: Timing, available: TrainingTime | None) -> int:
    """Steps that make up the epochs asked for, or as many as fit into the time."""
    budget = job.options.budget
    if budget.steps is not None:
        return budget.steps
    if available is None:
        assert budget.epochs is not None  # noqa: S101
        return math.ceil(budget.epochs * len(job.dataset.examples("train")) / plan.batch)
    steps, measuring = (n / timing.mean_seconds for n in (available.seconds, timing.measuring))
    every = measure_every(job, plan, math.ceil(steps), measuring)
    fitting = max(1, math.floor(steps / (1 + measuring / every)))
    return min(fitting, available.most_steps or fitting)


def _augmentations(job: Job, plan: RunPlan, *, epochs: float) -> str:
    """From random parameters, pictures that are seen more often are varied more."""
    if job.options.augment.augment is not None or plan.pretrained:
        return plan.augment
    return augmentations_for(plan.size, epochs=epochs)


def _afterwards(job: Job, plan: RunPlan) -> float:
    """Seconds of what follows: as timed, or as what is ready took already, or the usual ones."""
    if plan.time is not None and plan.time.afterwards:
        return plan.time.afterwards * plan.trainings
    so_far = job.stopwatch.seconds()
    return sum(so_far.get(part, 0.0) for part in ENDING) or REST


def _describe(job: Job, plan: RunPlan, *, timing: Timing) -> None:
    steps, pictures = plan.step_plan.steps, len(job.dataset.examples("train"))
    if job.options.compute.compute == "auto":
        job.callback.say(
            f"compute: {timing.execution}, {timing.why} "
            f"({timing.pictures_per_second:,.0f} pictures/s)"
        )
    if not steps:
        return
    sides = ", then ".join(dict.fromkeys(str(phase.size) for phase in plan.step_plan.phases))
    several = f"{plan.trainings} trainings (for all pictures, and for each fold), each "
    seconds = plan.step_plan.seconds(steps)
    seconds += timing.measuring * plan.step_plan.measurements(0)
    training = plan.trainings * seconds
    whole = sum(job.stopwatch.seconds().values()) + training + _afterwards(job, plan)
    job.callback.say(
        f"plan:    {several if plan.trainings > 1 else ''}{steps:,} steps of {plan.batch} pictures "
        f"({steps * plan.batch / pictures:,.1f} epochs) at {sides} pixels, about "
        f"{training / 60:.1f} minutes of training, {whole / 60:.1f} in all"
    )
