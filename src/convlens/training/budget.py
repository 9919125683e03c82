"""How the processor is used and how many steps there are time for, settled by timing steps."""

import copy
import math
from dataclasses import KW_ONLY, dataclass, replace

import torch

from ..dataset.augment import AREA, DEFAULT, DEFAULT_FEW_EPOCHS, Augment, parse_augmentations
from ..dataset.batches import Batches, Order
from ..dataset.prepare import Dataset
from ..engine.callbacks import Callback
from ..engine.compute.autotune import TuningCache, autotune, available_configs
from ..engine.compute.execution import Execution
from ..engine.compute.timing import fastest_seconds
from ..engine.distributed import Workers
from ..engine.loop import Loop
from ..engine.loss import make_loss
from ..engine.model_selection import HARD
from ..engine.step_plan import Phase, StepPlan
from ..network.classifier import Classifier
from ..network.spec import Architecture
from ..options import EXECUTION_CONFIGS, BudgetOptions, TrainOptions
from ..transfer.pretrained import ENLARGED

SCRATCH = (55, 5.0, 45.0)
"""From random parameters: a minute for so many training pictures, least and most minutes."""
TUNING, TUNING_HARD = (400, 0.5, 5.0), (200, 0.5, 10.0)
"""The same for fine-tuning; and where the pictures are `HARD` for the features as they are."""
MOST_EPOCHS = {True: 30, False: 400}
"""No more passes than these for pretrained and for random parameters, unless told."""
MIXED_EPOCHS, CROPPED_EPOCHS = 60, 30
"""From so many passes on, from random parameters, pictures are mixed, and crops may be small."""

FEWEST_MEASURED = {True: 10, False: 5}
"""Measurements of a run at least, for pretrained and for random parameters: after each the state is
saved, which takes as long as several steps."""

LISTENED = 0.01
"""Share of the time for training in which steps are timed, for each side: on a shared machine a
slow moment would otherwise decide about the number of steps."""

STAGES = ((0.2, 0.75), (0.8, 1.0))
"""Shares of the steps and the side then, as a part of the side that training sees."""
CROPPED = 1.375
"""From random parameters: the side that answers come from, as a multiple of the one in training."""
SMALLEST_STAGED = 96
"""Below this side all steps see pictures in full."""


@dataclass(frozen=True)
class Settled:
    """What timing decides."""

    augment: str
    plan: StepPlan
    _: KW_ONLY
    compute: str
    threads: int


def settle(
    dataset: Dataset,
    asked: TrainOptions,
    *,
    spec: Architecture,
    augment: str,
    batch: int,
    folds: int,
    template: Classifier,
    frozen: float | None,
    threads: int,
    workers: Workers,
    callback: Callback,
) -> Settled:
    """Time the ways to compute, and fit as many steps as there is time for.

    `frozen` is the cost of pretrained features as they are, None for random parameters. Minutes
    that are asked for are those of the whole: of every fold's training and the last one. Workers
    take the timed steps together; the first one's clock decides.
    """
    examples, val = dataset.examples("train"), dataset.examples("val")
    loss = make_loss(
        asked.loss,
        torch.from_numpy(examples.labels),
        classes=len(dataset.classes),
        pretrained=frozen is not None,
    )
    pictures, seed, size = len(examples), asked.data.seed, dataset.store.size
    augmentations = Augment(parse_augmentations(augment), seed)
    loops: dict[str, Loop] = {}
    # a part of a batch is enough to tell the configurations apart
    timed = 16 if frozen is not None else 256
    timed = min(batch, max(timed, workers.world_size * template.micro_batch))

    def step(execution: Execution) -> None:
        name = execution.config.name
        if name not in loops:
            batches = Batches(
                examples,
                Order(pictures, timed, seed=seed),
                augment=augmentations,
                micro_batch=template.micro_batch,
            )
            once = StepPlan((Phase(1, size, seconds=1.0),), 1)
            loops[name] = Loop(
                copy.deepcopy(template),
                batches,
                val=val,
                loss=loss,
                options=asked.optimizer,
                plan=once,
                execution=execution,
                seed=seed,
                workers=workers,
            )
        loops[name].train_step(0)

    memory = TuningCache(threads, spec.text, size, frozen is not None, timed, workers.world_size)
    known = (
        workers.broadcast(memory.get) if asked.compute.compute == "auto" else asked.compute.compute
    )
    execution, seconds = autotune(
        (EXECUTION_CONFIGS[known],) if known else available_configs(),
        threads,
        step=step,
        workers=workers,
        seconds=_timing(asked.budget.minutes),
    )
    if not known and workers.first:
        memory.put(execution.config.name)
    fastest = loops[execution.config.name]
    by_time = asked.budget.steps is asked.budget.epochs is None
    trainings = folds + 1 if folds > 1 else 1
    budget = asked.budget
    if budget.minutes is not None:
        budget = replace(budget, minutes=budget.minutes / trainings)
    minutes = budget.minutes or _minutes(pictures, frozen)
    listened = LISTENED * 60 * minutes if by_time else 0.0
    cropped = bool(augmentations.augmentations & set(AREA))
    shares = [
        (share, side, _time_step(fastest, side, seconds=listened) * batch / timed)
        for share, side in _sides(spec, size, pretrained=frozen is not None, cropped=cropped)
    ]
    measuring = 1 + len(val) / 3 / pictures  # a third of a step's work for each validation picture
    mean = sum(share * spent for share, _, spent in shares) * measuring
    steps = _steps(budget, mean, pictures=pictures, batch=batch, frozen=frozen)
    every = round(
        min(max(pictures / batch, steps / 40), steps / FEWEST_MEASURED[frozen is not None])
    )
    plan = StepPlan(_phases(steps, shares), max(1, every))
    epochs = steps * batch / pictures
    if asked.augment.augment is None and frozen is None:
        if epochs >= MIXED_EPOCHS:
            augment += ",mixup,cutmix"
        elif epochs < CROPPED_EPOCHS and augment == DEFAULT:
            augment = DEFAULT_FEW_EPOCHS
    why = f"the fastest of {len(seconds)} timed" if not known else "the fastest before"
    if asked.compute.compute == "auto":
        rate = timed / seconds[execution.config.name]
        callback.say(f"compute: {execution}, {why} ({rate:,.0f} pictures/s)")
    sides = ", then ".join(str(phase.size) for phase in plan.phases)
    many = (
        f"{trainings} trainings (for all pictures, and for each fold), each " if folds > 1 else ""
    )
    callback.say(
        f"plan:    {many}{steps:,} steps of {batch} pictures ({epochs:,.1f} epochs) at {sides} "
        f"pixels, about {trainings * plan.seconds(steps) * measuring / 60:.1f} minutes in all"
    )
    return Settled(augment, plan, compute=execution.config.name, threads=execution.threads)


def _timing(minutes: float | None) -> float:
    """Seconds for timing each way to compute: a second, less where there are few minutes."""
    return 1.0 if minutes is None else min(1.0, LISTENED * 60 * minutes)


def _minutes(pictures: int, frozen: float | None) -> float:
    """Minutes to train where none are asked for: the more pictures, the longer."""
    rule = SCRATCH if frozen is None else TUNING_HARD if frozen >= HARD else TUNING
    per_minute, least, most = rule
    return min(most, max(least, pictures / per_minute))


def _sides(
    spec: Architecture, size: int, *, pretrained: bool, cropped: bool
) -> list[tuple[float, int]]:
    """Shares of the steps and the sides at which they see pictures.

    Crops enlarge what they show, so training sees smaller pictures than those that answers come
    from (Touvron et al. 2019). Small pictures are quick, and much can be learnt from them first
    (Tan and Le 2021). Where pictures are not cropped, or the network takes one side only, all steps
    see them in full.
    """
    if not cropped or not (pretrained or spec.any_side):
        return [(1.0, size)]
    side = _multiple(size / (ENLARGED if pretrained else CROPPED))
    if pretrained or side < SMALLEST_STAGED:
        return [(1.0, side)]
    return [(share, _multiple(side * part)) for share, part in STAGES]


def _multiple(side: float, of: int = 16) -> int:
    return max(of, round(side / of) * of)


def _phases(steps: int, shares: list[tuple[float, int, float]]) -> tuple[Phase, ...]:
    phases: list[Phase] = []
    done = 0.0
    for share, side, seconds in shares:
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


def _steps(
    budget: BudgetOptions, seconds: float, *, pictures: int, batch: int, frozen: float | None
) -> int:
    """Steps that make up the epochs asked for, or as many as fit into the minutes."""
    if budget.steps is not None:
        return budget.steps
    if budget.epochs is not None:
        return math.ceil(budget.epochs * pictures / batch)
    if budget.minutes is not None:
        return max(1, math.floor(budget.minutes * 60 / seconds))
    fitting = math.floor(_minutes(pictures, frozen) * 60 / seconds)
    most = math.ceil(MOST_EPOCHS[frozen is not None] * pictures / batch)
    return max(1, min(fitting, most))
