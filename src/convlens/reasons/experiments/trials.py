"""Small networks trained alike, so that only what is compared differs."""

import time
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
import torch

from ...dataset.augment import Augment, parse_augmentations
from ...dataset.batches import Batches, Order
from ...dataset.examples import Examples
from ...engine.callbacks import NullCallback
from ...engine.compute.execution import Execution
from ...engine.compute.spinning import considerate_threads
from ...engine.loop import Loop
from ...engine.measurement import Measurement, predict_examples
from ...engine.step_plan import StepPlan
from ...network.build import build
from ...network.classifier import Classifier
from ...network.spec import network
from ...options import EXECUTION_CONFIGS, OptimizerOptions
from ...parallel import cores
from ...tasks.classification.objective import plain_objective

MEASURED, PATIENCE = 15, 5
"""How often a training is measured, and after how many measurements without a lower J it ends."""


class Splits(NamedTuple):
    """Examples of the three splits, at the networks' size."""

    train: Examples
    val: Examples
    test: Examples


@dataclass(frozen=True)
class Trial:
    """One network, as a line at a size, and how it is trained.

    `learning_rate` None stands for the optimizer's usual one; `kind` names the network in results.
    """

    line: str
    size: int
    _: KW_ONLY
    seed: int = 0
    steps: int = 300
    optimizer: str = "adam"
    learning_rate: float | None = None
    augment: str = "none"
    batch: int = 64
    kind: str = ""


def drawn(examples: Examples, count: int, *, seed: int) -> Examples:
    """So many examples, as even over the classes as they come. Smaller draws lie in larger ones."""
    random = np.random.default_rng(seed)
    by_class = [
        random.permutation(np.where(examples.labels == k)[0]) for k in range(examples.classes)
    ]
    turns = max(map(len, by_class), default=0)
    rows = [rows[turn] for turn in range(turns) for rows in by_class if turn < len(rows)]
    return examples.take(np.array(rows[:count], np.int64))


def accuracy(module: Classifier, examples: Examples) -> float:
    """Share of right answers, 0 to 1."""
    execution = Execution(EXECUTION_CONFIGS["float32"], torch.get_num_threads())
    logits = predict_examples(module, examples, execution=execution)
    return float((logits.argmax(1).numpy() == examples.labels).mean())


def untrained(trial: Trial, examples: Examples) -> Classifier:
    """The network as its seed makes it."""
    mean, std = examples.moments()
    return build(
        network(trial.line, trial.size, classes=examples.classes), trial.seed, mean=mean, std=std
    )


@dataclass(frozen=True)
class Trained:
    """A trained network, J on validation pictures over the steps, and seconds taken."""

    module: Classifier
    history: list[Measurement]
    seconds: float

    @property
    def loss_val(self) -> float:
        """The lowest J on the validation pictures."""
        return min(m.cost_val for m in self.history if m.cost_val is not None)


class _History(NullCallback):
    """Keeps every measurement."""

    def __init__(self) -> None:
        self.measurements: list[Measurement] = []

    def measure(self, measurement: Measurement) -> None:
        self.measurements.append(measurement)


@considerate_threads()
def train_trial(
    trial: Trial, examples: Examples, *, val: Examples, patience: int = PATIENCE
) -> Trained:
    """Train, and keep the last parameters that are not clearly worse than the best.

    Training ends early where `patience` measurements in a row did not lower J on the validation
    pictures.
    """
    torch.set_num_threads(cores())
    module = untrained(trial, examples)
    options = OptimizerOptions(optimizer=trial.optimizer, learning_rate=trial.learning_rate)
    batch = min(trial.batch, len(examples))
    every = max(1, trial.steps // MEASURED)
    plan = StepPlan.of(trial.steps, [(1.0, trial.size, 1.0)], measure_every=every)
    loop = Loop(
        module,
        Batches(
            examples,
            Order(len(examples), batch, seed=trial.seed),
            augment=Augment(parse_augmentations(trial.augment), trial.seed),
        ),
        val=val,
        objective=plain_objective(examples.classes),
        options=options,
        plan=plan,
        execution=Execution(EXECUTION_CONFIGS["float32"], cores()),
        seed=trial.seed,
    )
    history = _History()
    begun = time.monotonic()
    progress = loop.progress

    def stalled() -> bool:
        lowest = min(history.measurements, key=lambda m: m.cost_val or 0.0, default=None)
        return lowest is not None and progress.step - lowest.step > patience * every

    loop.run(None, [history], stop=stalled)
    module.load_state_dict(loop.best)
    return Trained(module, history.measurements, seconds=time.monotonic() - begun)
