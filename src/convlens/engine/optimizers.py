"""Optimizers by the lecture's names, all but Muon torch's own, and the learning rate's schedule."""

from collections.abc import Iterable
from math import cos, pi

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
"""Share of that for parameters that were learnt already."""


def make_optimizer(
    options: OptimizerOptions,
    parameters: Iterable[nn.Parameter],
    *,
    pretrained: bool = False,
    batch: int = LINEAR[0],
) -> torch.optim.Optimizer:
    """The named optimizer at its highest learning rate, over parameters that are not fixed.

    `auto` is Muon (Jordan 2024) for random parameters: it makes every direction of a filter bank
    move alike, and reaches a given J in about half of AdamW's steps. Vectors, and matrices with
    fewer than four rows, follow AdamW within it. Learnt parameters are fine-tuned by AdamW.
    """
    name = options.optimizer
    if name == "auto":
        name = "adamw" if pretrained else "muon"
    parameters = [p for p in parameters if p.requires_grad]
    usual = LEARNING_RATES[name] * (FINE_TUNING if pretrained else 1)
    if name == "muon":
        usual *= min(max(batch, LINEAR[0]), LINEAR[1]) / LINEAR[0]
    rate = options.learning_rate or usual
    decayed = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": DECAY},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    match name:
        case "gd":
            return torch.optim.SGD(parameters, rate)
        case "momentum":
            return torch.optim.SGD(parameters, rate, momentum=options.momentum)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, rate)
        case "adam":
            return torch.optim.Adam(parameters, rate)
        case "muon":
            from .muon import Muon  # brings timm

            return Muon(decayed, rate)
        case _:
            return torch.optim.AdamW(decayed, rate)


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
