"""Optimizers by the lecture's names, all but Muon torch's own, and the learning rate's schedule."""

from collections.abc import Iterable
from math import cos, pi
from typing import Any

import torch
from torch import nn

from ..options import OptimizerOptions

LEARNING_RATES = {
    "gd": 0.05,
    "momentum": 0.01,
    "rmsprop": 0.0005,
    "adam": 0.001,
    "adamw": 0.002,
    "muon": 0.004,
}
"""The highest learning rate where none is given."""

DECAY = 0.05
"""Decoupled weight decay (Loshchilov and Hutter 2017) of adamw and muon, on weights only."""

WARMUP = {False: 0.05, True: 0.3}
"""Share of the steps in which the rate rises, for random and for learnt parameters: these are few
steps, and AdamW's first ones throw parameters far, until it knows how large the gradients are."""

LINEAR = (64, 256)
"""Muon's rate is for batches of the first size, and grows with the batch up to the second (Goyal et
al. 2017)."""

FINE_TUNING = 0.3
"""Share of that where all but a last layer was learnt already."""

NEW, BELOW_NEW = 0.5, 0.2
"""Share of it for new parameters above ones that were learnt already, and of that for the learnt
ones: what is new moves them about before it knows anything."""


def make_optimizer(
    options: OptimizerOptions,
    parameters: Iterable[nn.Parameter],
    *,
    pretrained: bool = False,
    learnt: Iterable[nn.Parameter] = (),
    batch: int = LINEAR[0],
) -> torch.optim.Optimizer:
    """The named optimizer at its highest learning rate, over parameters that are not fixed.

    Where only some of them are `learnt` already, those get a lower rate than the new ones.

    `auto` is Muon (Jordan 2024) for random parameters: it makes every direction of a filter bank
    move alike, and reaches a given J in about half of AdamW's steps. Vectors, and matrices with
    fewer than four rows, follow AdamW within it. Learnt parameters, and what is new above them, are
    tuned by AdamW.
    """
    known = {id(parameter) for parameter in learnt}
    name = options.optimizer
    if name == "auto":
        name = "adamw" if pretrained or known else "muon"
    usual = LEARNING_RATES[name] * (FINE_TUNING if pretrained else NEW if known else 1)
    if name == "muon":
        usual *= min(max(batch, LINEAR[0]), LINEAR[1]) / LINEAR[0]
    rate = options.learning_rate or usual
    free = [p for p in parameters if p.requires_grad]
    plain: list[dict[str, Any]] = [{"params": [p for p in free if id(p) not in known], "lr": rate}]
    if known:
        plain.append({"params": [p for p in free if id(p) in known], "lr": rate * BELOW_NEW})
    decayed = [
        {**group, "params": [p for p in group["params"] if chosen(p)], "weight_decay": decay}
        for group in plain
        for chosen, decay in ((_is_matrix, DECAY), (_is_vector, 0.0))
    ]
    match name:
        case "gd":
            return torch.optim.SGD(plain, rate)
        case "momentum":
            return torch.optim.SGD(plain, rate, momentum=options.momentum)
        case "rmsprop":
            return torch.optim.RMSprop(plain, rate)
        case "adam":
            return torch.optim.Adam(plain, rate)
        case "muon":
            from .muon import Muon  # brings timm

            return Muon(decayed, rate)
        case _:
            return torch.optim.AdamW(decayed, rate)


def _is_matrix(parameter: nn.Parameter) -> bool:
    return parameter.ndim > 1


def _is_vector(parameter: nn.Parameter) -> bool:
    return parameter.ndim <= 1


def rate_factor(
    options: OptimizerOptions, done: float, *, after: float, pretrained: bool = False
) -> float:
    """Share of the highest learning rate in a step: a rise, then the schedule.

    Args:
        options: Those of the optimizer.
        done: The share of all training that is done before the step, from 0.
        after: The share that is done after it, up to 1.
        pretrained: Whether the parameters were learnt already.
    """
    warmup = WARMUP[pretrained] if options.warmup is None else options.warmup
    if done < warmup:
        return after / (warmup + after - done)
    fallen = (done - warmup) / (1 - warmup)
    match options.schedule:
        case "cosine":
            return 0.5 * (1 + cos(pi * fallen))
        case "linear":
            return 1 - fallen
        case _:
            return 1.0
