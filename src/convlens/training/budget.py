"""How many steps there is time for, and the fastest way to compute them: the clock decides."""

import copy
import math
from dataclasses import KW_ONLY, dataclass, replace

from ..dataset.augment import AREA, DEFAULT, DEFAULT_FEW_EPOCHS, Augment, parse_augmentations
from ..dataset.batches import Batches, Order
from ..engine.compute.autotune import TuningCache, autotune, available_configs
from ..engine.compute.execution import Execution
from ..engine.compute.timing import fastest_seconds
from ..engine.loop import Loop
from ..engine.step_plan import Phase, StepPlan
from ..network.spec import Architecture
from ..options import EXECUTION_CONFIGS, BudgetOptions
from ..transfer.pretrained import ENLARGED
from .job import Job, timed
from .model import Model
from .plan import RunPlan

SCRATCH = (55, 5.0, 45.0)
"""From random parameters: a minute for so many training pictures, least and most minutes."""
TUNING = (200, 0.5, 10.0)
"""The same for fine-tuning."""
MOST_EPOCHS = {True: 30, False: 400}
"""By default no more passes than these for pretrained and for random parameters."""
MIXED_EPOCHS, CROPPED_EPOCHS = 60, 30
"""From so many passes on, from random parameters, pictures are mixed, and crops may be small."""

FEWEST_MEASURED = {True: 10, False: 5}
"""Measurements of a run at least, for pretrained and for random parameters: after each the state is
saved, which takes as long as several steps."""

LISTENED = 0.01
"""Share of the time for training in which steps are timed, for each side: on a shared machine a
slow moment would otherwise decide about the number of steps."""
TIMED = {True: 16, False: 256}
"""Most pictures of a timed step: a part of a batch is enough to tell configurations apart."""

PHASES = ((0.2, 0.75), (0.8, 1.0))
"""Shares of the steps and the side then, as a part of the side that training sees."""
CROPPED = 1.375
"""From random parameters: the side that answers come from, as a multiple of the one in training."""
SMALLEST_STAGED = 96
"""Below this side all steps see pictures in full."""


@dataclass(frozen=True)
class Timing:
    """What the clock said: the fastest configuration, and a step's seconds in each phase.

    `phases` are (share of the steps, side, seconds of a whole batch).
    """

    execution: Execution
    phases: tuple[tuple[float, int, float], ...]
    _: KW_ONLY
    pictures_per_second: float
    why: str

    @property
    def mean_seconds(self) -> float:
        """Of a step, over all phases."""
        return sum(share * seconds for share, _, seconds in self.phases)


@timed("timing")
def fit_to_budget(job: Job, model: Model, *, plan: RunPlan) -> RunPlan:
    """The plan with its steps, by the time that a step takes; unchanged where steps are settled.

    Minutes that are asked for are those of the whole: of every fold's training and the last one.
    Workers take the timed steps together; the first one's clock decides.
    """
    if plan.steps is not None:
        return plan
    trainings = plan.folds + 1 if plan.folds > 1 and not plan.pretrained else 1
    budget = job.options.budget
    if budget.minutes is not None:
        budget = replace(budget, minutes=budget.minutes / trainings)
    timing = _time(job, model, plan=plan, budget=budget)
    pictures = len(job.dataset.examples("train"))
    # a third of a step's work for each validation picture
    measuring = 1 + len(job.dataset.examples("val")) / 3 / pictures
    steps = _count_steps(plan, budget, seconds=timing.mean_seconds * measuring, pictures=pictures)
    every = min(max(pictures / plan.batch, steps / 40), steps / FEWEST_MEASURED[plan.pretrained])
    plan = replace(
        plan,
        steps=StepPlan(_phases(steps, timing.phases), max(1, round(every))),
        augment=_augmentations(job, plan, epochs=steps * plan.batch / pictures),
        compute=timing.execution.config.name,
        threads=timing.execution.threads,
    )
    _describe(job, plan, timing=timing, trainings=trainings, measuring=measuring)
    return plan


def _time(job: Job, model: Model, *, plan: RunPlan, budget: BudgetOptions) -> Timing:
    """Time the configurations on the full side, then the fastest one on each phase's side."""
    timed = max(TIMED[plan.pretrained], job.workers.world_size * model.module.micro_batch)
    timed = min(plan.batch, timed)
    augment = Augment(parse_augmentations(plan.augment), job.options.data.seed)
    loops: dict[str, Loop] = {}

    def step(execution: Execution) -> None:
        name = execution.config.name
        if name not in loops:
            loops[name] = _rehearsal(
                job, model, plan=plan, execution=execution, timed=timed, augment=augment
            )
        loops[name].train_step(0)

    compute = job.options.compute.compute
    cache = TuningCache(
        plan.threads, plan.network, plan.size, plan.pretrained, timed, job.workers.world_size
    )
    known = job.workers.broadcast(cache.get) if compute == "auto" else compute
    seconds_each = 1.0 if budget.minutes is None else min(1.0, LISTENED * 60 * budget.minutes)
    execution, seconds = autotune(
        (EXECUTION_CONFIGS[known],) if known else available_configs(),
        plan.threads,
        step=step,
        workers=job.workers,
        seconds=seconds_each,
    )
    if not known and job.workers.first:
        cache.put(execution.config.name)
    pictures = len(job.dataset.examples("train"))
    minutes = budget.minutes or _usual_minutes(plan, pictures)
    listened = LISTENED * 60 * minutes if budget.steps is budget.epochs is None else 0.0
    fastest = loops[execution.config.name]
    phases = tuple(
        (share, side, _time_step(fastest, side, seconds=listened) * plan.batch / timed)
        for share, side in _sides(
            model.architecture, plan, cropped=bool(augment.augmentations & set(AREA))
        )
    )
    return Timing(
        execution,
        phases,
        pictures_per_second=timed / seconds[execution.config.name],
        why="the fastest before" if known else f"the fastest of {len(seconds)} timed",
    )


def _rehearsal(
    job: Job, model: Model, *, plan: RunPlan, execution: Execution, timed: int, augment: Augment
) -> Loop:
    """A loop of its own for timing, so that the model stays as it is."""
    examples, seed = job.dataset.examples("train"), job.options.data.seed
    order = Order(len(examples), timed, seed=seed)
    return Loop(
        copy.deepcopy(model.module),
        Batches(examples, order, augment=augment, micro_batch=model.module.micro_batch),
        val=job.dataset.examples("val"),
        objective=job.objective(pretrained=plan.pretrained),
        options=job.options.optimizer,
        plan=StepPlan((Phase(1, plan.size, seconds=1.0),), 1),
        execution=execution,
        seed=seed,
        workers=job.workers,
    )


def _usual_minutes(plan: RunPlan, pictures: int) -> float:
    """Minutes to train where none are asked for: the more pictures, the longer."""
    per_minute, least, most = TUNING if plan.pretrained else SCRATCH
    return min(most, max(least, pictures / per_minute))


def _sides(architecture: Architecture, plan: RunPlan, *, cropped: bool) -> list[tuple[float, int]]:
    """Shares of the steps and the sides at which they see pictures.

    Crops enlarge what they show, so training sees smaller pictures than those that answers come
    from (Touvron et al. 2019). Small pictures are quick, and much can be learnt from them first
    (Tan and Le 2021). Where pictures are not cropped, or the network takes one side only, all steps
    see them in full.
    """
    if not cropped or not (plan.pretrained or architecture.any_side):
        return [(1.0, plan.size)]
    side = _multiple(plan.size / (ENLARGED if plan.pretrained else CROPPED))
    if plan.pretrained or side < SMALLEST_STAGED:
        return [(1.0, side)]
    return [(share, _multiple(side * part)) for share, part in PHASES]


def _multiple(side: float, of: int = 16) -> int:
    return max(of, round(side / of) * of)


def _phases(steps: int, timed: tuple[tuple[float, int, float], ...]) -> tuple[Phase, ...]:
    phases: list[Phase] = []
    done = 0.0
    for share, side, seconds in timed:
        done += share
        end = round(done * steps)
        if end > (phases[-1].end if phases else 0):
            phases.append(Phase(end, side, seconds=seconds))
    return tuple(phases)


def _time_step(loop: Loop, size: int, *, seconds: float) -> float:
    """Seconds of a step on pictures of a size, timed for so many seconds at least."""
    return fastest_seconds(
        lambda: loop.train_step(0, size=size),
        seconds=seconds,
        wait=loop.execution.wait,
        workers=loop.workers,
    )


def _count_steps(plan: RunPlan, budget: BudgetOptions, *, seconds: float, pictures: int) -> int:
    """Steps that make up the epochs asked for, or as many as fit into the minutes."""
    if budget.steps is not None:
        return budget.steps
    if budget.epochs is not None:
        return math.ceil(budget.epochs * pictures / plan.batch)
    if budget.minutes is not None:
        return max(1, math.floor(budget.minutes * 60 / seconds))
    fitting = math.floor(_usual_minutes(plan, pictures) * 60 / seconds)
    most = math.ceil(MOST_EPOCHS[plan.pretrained] * pictures / plan.batch)
    return max(1, min(fitting, most))


def _augmentations(job: Job, plan: RunPlan, *, epochs: float) -> str:
    """From random parameters, pictures that are seen more often are varied more."""
    if job.options.augment.augment is not None or plan.pretrained:
        return plan.augment
    if epochs >= MIXED_EPOCHS:
        return plan.augment + ",mixup,cutmix"
    return (
        DEFAULT_FEW_EPOCHS if epochs < CROPPED_EPOCHS and plan.augment == DEFAULT else plan.augment
    )


def _describe(job: Job, plan: RunPlan, *, timing: Timing, trainings: int, measuring: float) -> None:
    steps, pictures = plan.step_plan.steps, len(job.dataset.examples("train"))
    if job.options.compute.compute == "auto":
        job.callback.say(
            f"compute: {timing.execution}, {timing.why} "
            f"({timing.pictures_per_second:,.0f} pictures/s)"
        )
    sides = ", then ".join(str(phase.size) for phase in plan.step_plan.phases)
    several = f"{trainings} trainings (for all pictures, and for each fold), each "
    minutes = trainings * plan.step_plan.seconds(steps) * measuring / 60
    job.callback.say(
        f"plan:    {several if trainings > 1 else ''}{steps:,} steps of {plan.batch} pictures "
        f"({steps * plan.batch / pictures:,.1f} epochs) at {sides} pixels, about {minutes:.1f} "
        "minutes in all"
    )
