"""Small networks trained alike, so that only what is compared differs; results are kept on disk."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...dataset.augment import Augment, parse_ways
from ...dataset.batches import Batches, Examples, Order
from ...engine.execution import Compute
from ...engine.loop import Loop, Measure, predict_examples
from ...engine.loss import Cost
from ...engine.schedule import Phase, StepPlan
from ...files import write_whole
from ...network.build import Classifier, build
from ...network.layers import Conv, Full, Layer, LayerError, Local, Pool, Residual
from ...network.spec import Network
from ...options import OptimizerOptions
from ...parallel import cores

LARGEST_TWIN = 50_000_000
"""Parameters up to which a dense twin can be trained on an ordinary computer."""
SIDES = (32, 28, 24, 20, 16, 12)
MEASURED, PATIENCE = 15, 5
"""How often a training is measured, and after how many measurements without a lower J it ends."""


def twin(network: Network, kind: type[Local] | type[Full]) -> Network:
    """The same network with every convolution's sharing, or sharing and sparsity, taken away."""

    def change(layer: Layer) -> Layer:
        if isinstance(layer, Conv):
            return kind(layer.filters, layer.window)
        if isinstance(layer, Residual):
            return Residual(tuple(map(change, layer.body)), layer.activation)
        return layer

    return Network(tuple(map(change, network.layers)), network.size, network.classes)


def blurred(network: Network) -> Network:
    """The same network with every pooling anti-aliased."""

    def change(layer: Layer) -> Layer:
        if isinstance(layer, Pool):
            return Pool(layer.kind, layer.window, blur=True)
        if isinstance(layer, Residual):
            return Residual(tuple(map(change, layer.body)), layer.activation)
        return layer

    return Network(tuple(map(change, network.layers)), network.size, network.classes)


def largest_side(network: Network) -> int | None:
    """The largest side at which its dense twin stays within `LARGEST_TWIN` parameters."""
    for side in (side for side in SIDES if side <= network.size):
        try:
            smaller = Network(network.layers, side, network.classes)
            if twin(smaller, Full).total().parameters <= LARGEST_TWIN:
                return side
        except LayerError:
            return None
    return None


@dataclass(frozen=True)
class Trial:
    """One network and how it is trained. `learning_rate` None stands for the optimizer's usual."""

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
    """So many examples, as even over the classes as they come: smaller draws lie in larger ones."""
    random = np.random.default_rng(seed)
    by_class = [
        random.permutation(np.where(examples.labels == k)[0]) for k in range(examples.classes)
    ]
    turns = max(map(len, by_class), default=0)
    rows = [rows[turn] for turn in range(turns) for rows in by_class if turn < len(rows)]
    return examples.take(np.array(rows[:count], np.int64))


def accuracy(module: Classifier, examples: Examples) -> float:
    """Share of right answers."""
    logits = predict_examples(module, examples, compute=Compute("float32", torch.get_num_threads()))
    return float((logits.argmax(1).numpy() == examples.labels).mean())


def untrained(trial: Trial, examples: Examples) -> Classifier:
    """The network as its seed makes it."""
    from ...network.spec import network

    mean, std = examples.moments()
    return build(
        network(trial.line, trial.size, classes=examples.classes), trial.seed, mean=mean, std=std
    )


@dataclass(frozen=True)
class Trained:
    """A trained network, J on validation pictures over the steps, and seconds taken."""

    module: Classifier
    history: list[Measure]
    seconds: float

    @property
    def cost(self) -> float:
        """The lowest J on the validation pictures."""
        return min(m.cost_val for m in self.history if m.cost_val is not None)


def train_trial(
    trial: Trial, examples: Examples, *, val: Examples, patience: int = PATIENCE
) -> Trained:
    """Train; the parameters kept are the last ones that are not clearly worse than the best.

    It ends early where `patience` measurements in a row did not lower that.
    """
    torch.set_num_threads(cores())
    module = untrained(trial, examples)
    options = OptimizerOptions(optimizer=trial.optimizer, learning_rate=trial.learning_rate)
    batch = min(trial.batch, len(examples))
    every = max(1, trial.steps // MEASURED)
    plan = StepPlan((Phase(trial.steps, trial.size, seconds=1.0),), every)
    loop = Loop(
        module,
        Batches(
            examples,
            Order(len(examples), batch, seed=trial.seed),
            augment=Augment(parse_ways(trial.augment), trial.seed),
        ),
        val=val,
        cost=Cost(torch.ones(examples.classes), 0.0, l2=0.0),
        options=options,
        plan=plan,
        compute=Compute("float32", cores()),
        seed=trial.seed,
    )
    history: list[Measure] = []
    begun = time.monotonic()
    progress = loop.progress

    def stalled() -> bool:
        lowest = min(history, key=lambda m: m.cost_val or 0.0, default=None)
        return lowest is not None and progress.step - lowest.step > patience * every

    loop.run(
        None,
        stalled,
        lambda *_: None,
        history.append,
    )
    module.load_state_dict(loop.best)
    return Trained(module, history, seconds=time.monotonic() - begun)


class Notebook:
    """Remembers results by what they were made from, so that a stopped `why` goes on.

    `folder` None remembers nothing. `progress(what, done, total)` is told of every piece. Once
    `seconds` are over, pieces that can be spared are left out, and counted.
    """

    def __init__(
        self,
        folder: Path | None,
        data: str,
        *,
        progress: Callable[[str, int, int], None],
        seconds: float,
    ) -> None:
        self.folder = folder
        self.data = data
        self.progress = progress
        self.end = time.monotonic() + seconds
        self.left_out = 0

    def recall(self, what: str, of: Any, *, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of `make`, from the folder where it is there already."""
        name = self._name(what, of)
        if self.folder is not None and (self.folder / name).exists():
            try:
                kept: dict[str, Any] = json.loads((self.folder / name).read_text("utf-8"))
                return kept
            except ValueError:
                pass  # damaged: made anew
        made = make()
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / name, json.dumps(made) + "\n")
        return made

    def spare(
        self, what: str, of: Any, *, make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any] | None:
        """The same of a piece that can be spared: None where it is not there and time is over."""
        there = self.folder is not None and (self.folder / self._name(what, of)).exists()
        if not there and time.monotonic() > self.end:
            self.left_out += 1
            return None
        return self.recall(what, of, make=make)

    def _name(self, what: str, of: Any) -> str:
        key = json.dumps([what, of, self.data], sort_keys=True, default=asdict)
        return hashlib.sha256(key.encode()).hexdigest()[:24] + ".json"
