"""A picture painted by optimisation: from coarse to fine, gradient steps on its pixels."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ..dataset.examples import to_float
from ..dataset.random import generator
from ..pictures.decode import RGB
from .features import ALIGNED, StyleFeatures
from .losses import PaintLoss, style_targets
from .options import PaintOptions

COARSEST = 96
"""Longer side of the picture that painting begins with, at least."""
RATE, STEPS = 0.05, 100


class Step(NamedTuple):
    """One that is done: its number of how many, its losses, and the picture [1, 3, h, w]."""

    number: int
    steps: int
    style_loss: float
    content_loss: float
    picture: Tensor

    def image(self, size: Sequence[int]) -> RGB:
        """The picture at that (height, width)."""
        pixels = resized(self.picture, size)[0].permute(1, 2, 0)
        return pixels.mul(255).round().byte().numpy()


def resized(picture_NCHW: Tensor, size: Sequence[int]) -> Tensor:
    """At another (height, width), antialiased, 0 to 1."""
    sides = list(size)
    if list(picture_NCHW.shape[-2:]) == sides:
        return picture_NCHW
    return functional.interpolate(picture_NCHW, sides, mode="bilinear", antialias=True).clamp(0, 1)


def optimize(
    photo: RGB,
    paintings: Sequence[RGB],
    options: PaintOptions,
    *,
    features: StyleFeatures,
    mask: npt.NDArray[np.uint8] | None = None,
) -> Iterator[Step]:
    """Repaint a photograph, and tell each step of it.

    Each step looks at the picture from another place, continued by its mirror image, so that no
    grid of a network's strides is painted.

    Args:
        photo: What is painted, and what painting begins from.
        paintings: Each at the scale that its strokes are to have.
        options: Their weights, the strength, how many steps at each size and the seed of their
            places; `minutes` are shared among the sizes by their pixels.
        features: What style and content are compared in.
        mask: [H, W], 255 where the style is to be; everywhere by default.
    """
    weights, steps = options.weights_of(len(paintings)), options.steps or STEPS
    photo_NCHW, *whole = (to_float(torch.from_numpy(one)[None]) for one in (photo, *paintings))
    given = [photo_NCHW, torch.ones_like(photo_NCHW[:, :1])]
    if mask is not None:
        given[1] = torch.from_numpy(mask)[None, None] / 255
    sizes = [photo_NCHW.shape[-2:]]
    while max(sizes[0]) >= 2 * COARSEST and min(sizes[0]) >= 64:
        sizes.insert(0, torch.Size(side // 2 for side in sizes[0]))
    pixels = [size.numel() for size in sizes]
    seconds = 60 * options.minutes if options.minutes else math.inf
    picture, began = photo_NCHW, time.monotonic()
    for level, size in enumerate(sizes):
        scale = size[0] / photo_NCHW.shape[-2]
        styles = [
            resized(one, [max(ALIGNED, round(side * scale)) for side in one.shape[-2:]])
            for one in whole
        ]
        targets = style_targets(features, styles, weights)
        loss = PaintLoss(features, targets, strength=options.strength)
        deadline = began + seconds * sum(pixels[: level + 1]) / sum(pixels)
        shifts = generator(options.seed, "paint", level)
        picture = resized(picture, size).detach().clone().requires_grad_()
        here = [resized(part, size) for part in given]
        adam = torch.optim.Adam([picture], lr=RATE, betas=(0.9, 0.99), eps=1e-12)
        rate = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        for step in range(1, steps + 1):
            top, left = shifts.integers(0, ALIGNED, 2).tolist()
            bottom, right = (
                ALIGNED - at + -side % ALIGNED for at, side in zip((top, left), size, strict=True)
            )
            margin = (left, right, top, bottom)
            seen = (functional.pad(part, margin, mode="reflect") for part in (picture, *here))
            whole_loss, *losses = loss(*seen)
            adam.zero_grad()
            torch.autograd.backward(whole_loss)
            adam.step()
            rate.step()
            with torch.no_grad():
                picture.clamp_(0, 1)
            number = level * steps + step
            style, content = (part.item() for part in losses)
            yield Step(number, len(sizes) * steps, style, content, picture.detach())
            if time.monotonic() > deadline:
                break
