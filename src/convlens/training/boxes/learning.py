"""The loop that learns boxes, and how many steps it takes: the clock decides."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch

from ...dataset.batches import Order
from ...dataset.examples import Examples
from ...engine.compute.autotune import TuningCache, autotune, available_configs
from ...engine.compute.execution import Execution, keep_memory, multiplies_bfloat16
from ...engine.distributed import Workers
from ...engine.loop import Loop
from ...engine.step_plan import Revise, StepPlan, keep
from ...network.pretrained import WEIGHTS_PACKAGES, imagenet_parameters, installed_packages
from ...options import EXECUTION_CONFIGS, TrainOptions
from ..pace import Pace, TrainingTime
from .augment import BoxAugment
from .canvas_choice import Affordable
from .cost import BoxCost
from .examples import BoxBatches
from .job import BATCH, BoxJob, BoxPlan, first_plan
from .network import MICRO_BATCH, BoxNetwork, box_network
from .points import grid_points
from .strides import STRIDES
from .upside_down import alike_upside_down

MINUTES = (20, 8.0, 30.0)
"""By default a minute for so many training pictures, least and most minutes."""
MOST_EPOCHS = 60
"""By default no more passes."""
SAVED = 10
"""Times that the state of a training is saved on the way."""
AFTERWARDS = 10.0, 0.1
"""Seconds of what follows: exporting; and judging, for each picture that is held out."""
LEAST = 0.2
"""Share of the minutes asked for that goes into training however long all else takes."""
ENOUGH_STEPS, ENOUGH_EPOCHS = 1_000, 45
"""Where the time does not suffice for so many steps and passes, pictures are smaller."""
LOOKED_AT, LOOKS = 192, 7
"""Side of the pictures by which it is told how fast the machine is, and steps, of which the
fastest counts: other work for a moment should not make all pictures smaller."""
LISTENED = 0.01
"""Share of the time in which steps are timed."""


def build_network(plan: BoxPlan, *, classes: int, seed: int) -> BoxNetwork:
    """The network before its first step. Raises `ConvlensError` where its features are missing."""
    known = next(known for known in WEIGHTS_PACKAGES if known.architecture == plan.architecture)
    return box_network(
        known.architecture,
        classes,
        sides=plan.sides,
        parameters=imagenet_parameters(known),
        seed=seed,
        tta_hflip=plan.tta_hflip,
    )


def begin(job: BoxJob, plan: BoxPlan | None = None) -> tuple[BoxPlan, BoxNetwork]:
    """The plan with its steps, and the network before the first; a plan that there is stays."""
    settled = plan or first_plan(job)
    seed = job.options.data.seed
    network = build_network(settled, classes=len(job.dataset.classes), seed=seed)
    if plan is None:
        vflip = job.workers.broadcast(lambda: alike_upside_down(job, settled, network=network))
        settled = replace(settled, vflip=vflip)
        if settled.tta_hflip:
            job.callback.say(
                "views:   the mean over a picture and its mirror image, in twice the time "
                "(--prefer speed: without it)"
            )
    return fit_to_budget(job, settled, network=network), network


def affordable_pixels(options: TrainOptions, workers: Workers) -> Affordable | None:
    """What the time allows; None where it is not bounded, or the size of pictures is given.

    It is told by a step of a network for one class.
    """
    budget = options.budget
    if options.data.size is not None or not budget.by_time:
        return None
    threads = options.compute.threads or workers.cores()
    rate = workers.world_size * workers.broadcast(lambda: _pixels_per_second(threads))

    def affordable(pictures: int) -> float:
        seconds = 60 * (budget.minutes or usual_minutes(pictures))
        return rate * seconds / max(ENOUGH_STEPS * BATCH, ENOUGH_EPOCHS * pictures)

    return affordable


def _pixels_per_second(threads: int) -> float:
    torch.set_num_threads(threads)
    keep_memory()
    way = "bfloat16-last" if multiplies_bfloat16() else "float32-last"
    execution = Execution(EXECUTION_CONFIGS[way], threads)
    known = installed_packages()[0]
    parameters = imagenet_parameters(known)
    sides = tuple(4.0 * stride for stride in STRIDES)
    network = box_network(known.architecture, 1, sides=sides, parameters=parameters, seed=0)
    network = execution.place(network.train())
    pixels = execution.inputs(torch.zeros(MICRO_BATCH, 3, LOOKED_AT, LOOKED_AT))
    seconds = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        with execution.precision():
            out = network(pixels)
        out.sum().backward()
        seconds.append(time.perf_counter() - begun)
    return MICRO_BATCH * LOOKED_AT**2 / min(seconds)


def usual_minutes(pictures: int) -> float:
    """Of a training from so many pictures, where no time is given."""
    per_minute, least, most = MINUTES
    return min(most, max(least, pictures / per_minute))


def make_loop(
    job: BoxJob, plan: BoxPlan, *, network: BoxNetwork, execution: Execution, revise: Revise = keep
) -> Loop:
    """The loop before its first step. Nothing is chosen on the way, so nothing is measured."""
    examples, seed = job.dataset.examples("train"), job.options.data.seed
    nothing = np.zeros(0, np.int64)
    points, strides = grid_points(plan.canvas.height, plan.canvas.width)
    batches = BoxBatches(
        examples,
        Order(len(examples), plan.batch, seed=seed),
        augment=BoxAugment(plan.vflip, seed),
    )
    return Loop(
        cast(Any, network),
        cast(Any, batches),
        val=Examples(np.zeros((0, 8, 8, 3), np.uint8), nothing, labels=nothing, classes=1),
        objective=cast(Any, BoxCost(points, strides)),
        options=job.options.optimizer,
        plan=plan.steps or StepPlan.of(1, [(1.0, plan.canvas.width, 1.0)], measure_every=1),
        execution=execution,
        seed=seed,
        revise=revise,
        workers=job.workers,
        stopwatch=job.stopwatch,
    )


def pace(job: BoxJob, plan: BoxPlan, *, record: Callable[[StepPlan], None]) -> Revise:
    """What keeps a training within its time; nothing where its steps are settled."""
    if plan.time is None:
        return keep
    return Pace(
        plan.time, measure_every=lambda steps, _: _every(steps), record=record, workers=job.workers
    )


def fit_to_budget(job: BoxJob, plan: BoxPlan, *, network: BoxNetwork) -> BoxPlan:
    """The plan with its steps, by the time that one takes; unchanged where they are settled."""
    if plan.steps is not None:
        return plan
    with job.stopwatch.part("timing"):
        execution, seconds = _time_step(job, plan, network=network)
        time = _time(job, plan)
    steps = _steps(job, plan, seconds=seconds, time=time)
    settled = StepPlan.of(steps, [(1.0, plan.canvas.width, seconds)], measure_every=_every(steps))
    pictures = len(job.dataset.examples("train"))
    job.callback.say(f"compute: {execution} ({plan.batch / seconds:,.1f} pictures/s)")
    job.callback.say(
        f"plan:    {steps:,} steps of {plan.batch} pictures "
        f"({steps * plan.batch / pictures:,.1f} epochs) on a canvas of "
        f"{plan.canvas.width}×{plan.canvas.height} pixels, about "
        f"{(steps * seconds) / 60:.1f} minutes of training"
    )
    return replace(
        plan,
        steps=settled,
        compute=execution.config.name,
        threads=execution.threads,
        time=time,
    )


def _every(steps: int) -> int:
    return max(1, steps // SAVED)


def _time_step(job: BoxJob, plan: BoxPlan, *, network: BoxNetwork) -> tuple[Execution, float]:
    """The fastest way to compute, and the seconds of a step; the first worker's clock decides."""
    loops: dict[str, Loop] = {}

    def step(execution: Execution) -> None:
        name = execution.config.name
        if name not in loops:
            loops[name] = make_loop(
                job, replace(plan, steps=None), network=copy.deepcopy(network), execution=execution
            )
        loops[name].train_step(0)

    asked = job.options.compute.compute
    cache = TuningCache(
        plan.threads, "boxes", plan.architecture, plan.canvas, job.workers.world_size
    )
    known = job.workers.broadcast(lambda: cache.get() if asked == "auto" else asked)
    configs = (EXECUTION_CONFIGS[known],) if known else available_configs()
    minutes = job.options.budget.minutes or MINUTES[1]
    execution, fastest = autotune(
        configs,
        plan.threads,
        step=step,
        workers=job.workers,
        seconds=min(5.0, LISTENED * 60 * minutes),
    )
    if not known and job.workers.first:
        cache.put(execution.config.name)
    return execution, fastest[execution.config.name]


def _time(job: BoxJob, plan: BoxPlan) -> TrainingTime | None:
    """The time for all steps; None where they do not depend on it."""
    budget, dataset = job.options.budget, job.dataset
    if not budget.by_time:
        return None
    pictures = len(dataset.examples("train"))
    exporting, judging = AFTERWARDS
    held_out = max(len(dataset.split.rows(name)) for name in ("test", "val"))
    afterwards = exporting + judging * held_out
    if budget.minutes is None:
        return TrainingTime(
            60 * usual_minutes(pictures),
            afterwards=afterwards,
            most_steps=math.ceil(MOST_EPOCHS * pictures / plan.batch),
        )
    asked = 60 * budget.minutes
    spent = job.workers.broadcast(lambda: sum(job.stopwatch.seconds().values()))
    return TrainingTime(max(LEAST * asked, asked - spent - afterwards), afterwards=afterwards)


def _steps(job: BoxJob, plan: BoxPlan, *, seconds: float, time: TrainingTime | None) -> int:
    budget = job.options.budget
    if budget.steps is not None:
        return budget.steps
    if time is None:
        assert budget.epochs is not None  # noqa: S101
        return math.ceil(budget.epochs * len(job.dataset.examples("train")) / plan.batch)
    fitting = max(1, math.floor(time.seconds / seconds))
    return min(fitting, time.most_steps or fitting)
