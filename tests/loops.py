"""A small training loop on made numbers, for tests of its parts."""

import numpy as np

from convlens.dataset.augment import Augment
from convlens.dataset.batches import Batches, Order
from convlens.dataset.examples import Examples
from convlens.engine.callbacks import NullCallback
from convlens.engine.compute.execution import Execution
from convlens.engine.loop import Loop
from convlens.engine.step_plan import StepPlan
from convlens.network.build import build
from convlens.network.spec import network
from convlens.options import EXECUTION_CONFIGS, LossOptions, OptimizerOptions
from convlens.tasks.classification.objective import make_objective
from helpers import signalled

PLAIN = LossOptions(label_smoothing=0.0)


SIZE = 12


def examples(count: int, seed: int = 0, classes: int = 3) -> Examples:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (count + 3, SIZE, SIZE, 3)).astype(np.uint8)
    rows = random.permutation(count + 3)[:count]
    return Examples(pixels, rows, labels=random.integers(0, classes, count), classes=classes)


def loop(
    line: str = "dense 8",
    count: int = 20,
    batch: int = 10,
    steps: int = 6,
    optimizer: OptimizerOptions | None = None,
    loss: LossOptions = PLAIN,
    augmentations: frozenset[str] = frozenset(),
    held: int = 9,
) -> Loop:
    data = examples(count)
    return Loop(
        build(network(line, SIZE, classes=3), 0),
        Batches(data, Order(count, batch, seed=5), augment=Augment(augmentations, 5)),
        val=examples(held, 1),
        objective=make_objective(loss, data.labels, classes=3),
        options=optimizer or OptimizerOptions(optimizer="gd"),
        plan=StepPlan.of(steps, [(1.0, SIZE, 0.1)], measure_every=3),
        execution=Execution(EXECUTION_CONFIGS["float32"], 1),
        seed=5,
    )


def stop_at_once() -> NullCallback:
    """A listener that asks to stop at the first step, and once: twice would end all at once."""

    class Stopper(NullCallback):
        asked = False

        def step(self, *_: object) -> None:
            if not self.asked:
                self.asked = True
                signalled()

    return Stopper()
