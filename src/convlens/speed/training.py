"""How fast a network is trained here, by every way to compute, and where a step's time goes."""

import copy
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..dataset.augment import Augment, default_augmentations, parse_augmentations
from ..dataset.batches import Batches, Order
from ..dataset.examples import Examples
from ..engine.compute.autotune import autotune
from ..engine.compute.execution import Execution
from ..engine.loop import Loop
from ..engine.step_plan import StepPlan
from ..network.classifier import Classifier
from ..options import ExecutionConfig, LossOptions, OptimizerOptions
from ..stopwatch import Stopwatch
from ..tasks.classification.objective import make_objective

STEPS = 8
"""Over which the shares of a step's stages are measured."""
EXAMPLES = 1000


@dataclass(frozen=True)
class TrainingSpeed:
    """The fastest way to compute, and pictures a second by each way.

    `stages` are the shares of a step's stages in the fastest way, and `loop` trains in it.
    """

    execution: Execution
    rates: dict[str, float]
    _: KW_ONLY
    stages: dict[str, float]
    loop: Loop


def training_speed(
    module: Classifier,
    size: int,
    *,
    classes: int,
    batch: int,
    configs: Sequence[ExecutionConfig],
    threads: int,
) -> TrainingSpeed:
    """Time training steps of the module on made pictures.

    Args:
        module: The network, which is copied.
        size: Side length of the pictures in pixels.
        classes: How many classes they have.
        batch: Pictures of a step.
        configs: The ways to compute that are timed.
        threads: Processor threads.
    """
    loops: dict[str, Loop] = {}

    def step(execution: Execution) -> None:
        name = execution.config.name
        if name not in loops:
            fresh = copy.deepcopy(module)
            loops[name] = _loop(fresh, size, classes=classes, batch=batch, execution=execution)
        loops[name].train_step(0)

    execution, seconds = autotune(configs, threads, step=step)
    loop = loops[execution.config.name]
    loop.timer = Stopwatch()  # what came before was for choosing
    for number in range(STEPS):
        loop.train_step(number)
    return TrainingSpeed(
        execution,
        {name: batch / spent for name, spent in seconds.items()},
        stages=loop.timer.shares(),
        loop=loop,
    )


def _loop(module: Classifier, size: int, *, classes: int, batch: int, execution: Execution) -> Loop:
    count = max(EXAMPLES, batch)
    pixels = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    rows = np.arange(count)
    examples = Examples(pixels, rows, labels=rows % classes, classes=classes)
    augment = Augment(parse_augmentations(default_augmentations(size, pretrained=False)), 0)
    order = Order(count, batch, seed=0)
    return Loop(
        module,
        Batches(examples, order, augment=augment, micro_batch=module.micro_batch),
        val=examples,
        objective=make_objective(LossOptions(), examples.labels, classes=classes),
        options=OptimizerOptions(),
        plan=StepPlan.of(STEPS, [(1.0, size, 1.0)], measure_every=STEPS),
        execution=execution,
        seed=0,
    )
