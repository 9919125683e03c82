"""A picture painted by optimisation: from coarse to fine, gradient steps on its pixels."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..dataset.random import generator
from .features import ALIGNED, StyleFeatures
from .losses import Box, PaintLoss, boxes, style_targets

TILE = 768
"""Side of the tiles; a smaller picture is computed as a whole."""
COARSEST = 96
"""Longer side of the picture that painting begins with, at least."""
RATE, STEPS = 0.05, 100
SMOOTHNESS = 10.0
"""Weight of the mean squared differences of neighbouring pixels."""
CONTENT = 0.05
"""Weight of the content loss where `strength` is 1."""


@dataclass(frozen=True)
class Step:
    """One that is done: its number of how many, its losses, and the picture [1, 3, H, W]."""

    number: int
    steps: int
    style_loss: float
    content_loss: float
    picture: Tensor


def resized(picture_NCHW: Tensor, size: Sequence[int]) -> Tensor:
    """At another (height, width), antialiased, 0 to 1."""
    sides = list(size)
    if list(picture_NCHW.shape[-2:]) == sides:
        return picture_NCHW
    return functional.interpolate(picture_NCHW, sides, mode="bilinear", antialias=True).clamp(0, 1)


def optimize(
    photo_NCHW: Tensor,
    paintings: Sequence[Tensor],
    *,
    features: StyleFeatures,
    weights: Sequence[float] = (1.0,),
    mask: Tensor | None = None,
    strength: float = 1.0,
    steps: int = STEPS,
    seed: int = 0,
    seconds: float = math.inf,
    tile: int = TILE,
    callback: Callable[[Step], bool] = lambda _: False,
) -> Tensor:
    """The photograph [1, 3, H, W], 0 to 1, repainted at its size.

    Args:
        photo_NCHW: What is painted, and what painting begins from.
        paintings: Each [1, 3, h, w], at the scale that its strokes are to have.
        features: What style and content are compared in.
        weights: Of the paintings, positive.
        mask: [1, 1, H, W], 0 to 1: where the style is to be; everywhere by default.
        strength: Divides the weight of the content.
        steps: Gradient steps at each size.
        seed: For the shifts.
        seconds: Ends sooner, sharing the time among the sizes by their pixels.
        tile: Side of the tiles, a multiple of 16.
        callback: Called after every step; what it returns says whether to stop.
    """
    sizes = [photo_NCHW.shape[-2:]]
    while max(sizes[0]) >= 2 * COARSEST and min(sizes[0]) >= 4 * ALIGNED:
        sizes.insert(0, torch.Size(side // 2 for side in sizes[0]))
    pixels = [size.numel() for size in sizes]
    mask = torch.ones_like(photo_NCHW[:, :1]) if mask is None else mask
    picture, began = photo_NCHW, time.monotonic()
    for level, size in enumerate(sizes):
        scale = size[0] / photo_NCHW.shape[-2]
        styles = [
            resized(one, [max(ALIGNED, round(side * scale)) for side in one.shape[-2:]])
            for one in paintings
        ]
        targets = style_targets(features, styles, weights)
        loss = PaintLoss(features, targets, content=CONTENT / strength)
        deadline = began + seconds * sum(pixels[: level + 1]) / sum(pixels)
        shifts = generator(seed, "paint", level)
        canvas = _Canvas(*(resized(part, size) for part in (picture, photo_NCHW, mask)))
        tiles = boxes(*canvas.inside, tile=tile, reach=0)
        if len(tiles) > 1:
            tiles = boxes(*canvas.inside, tile=tile, reach=features.reach())
        for step in range(1, steps + 1):
            rate = RATE * (0.5 + 0.5 * math.cos(math.pi * step / (steps + 1)))
            at = tuple(shifts.integers(0, ALIGNED, 2).tolist())
            losses = canvas.step(loss, tiles, step=step, at=at, rate=rate)
            picture = canvas.picture
            number, in_all = level * steps + step, len(sizes) * steps
            if callback(Step(number, in_all, *losses, picture)):
                return resized(picture, sizes[-1])
            if time.monotonic() > deadline:
                break
    return picture


class _Canvas:
    """A picture, its photograph and mask, each within a margin of its own mirror image.

    Each step looks from another place in it, so that no grid of a network's strides is painted.
    """

    def __init__(self, picture: Tensor, photo: Tensor, mask: Tensor) -> None:
        self.size = height, width = picture.shape[-2:]
        self.inside = [-(-side // ALIGNED) * ALIGNED for side in (height, width)]
        down, across = self.inside[0] - height + ALIGNED, self.inside[1] - width + ALIGNED
        self.top, self.left = down // 2, across // 2
        margin = (self.left, across - self.left, self.top, down - self.top)
        self.pixels, self.photo, self.mask = (
            functional.pad(part, margin, mode="reflect") for part in (picture, photo, mask)
        )
        self.mean, self.square = torch.zeros_like(self.pixels), torch.zeros_like(self.pixels)

    @property
    def picture(self) -> Tensor:
        """Without the margin."""
        y, x = self.top, self.left
        return self.pixels[..., y : y + self.size[0], x : x + self.size[1]]

    def step(
        self, loss: PaintLoss, tiles: Sequence[Box], *, step: int, at: tuple[int, int], rate: float
    ) -> tuple[float, float]:
        """One of Adam's (Kingma and Ba 2015) on the pixels; the two losses before it."""
        y, x = (slice(begin, begin + side) for begin, side in zip(at, self.inside, strict=True))
        place = (..., y, x)
        picture, photo, mask = (part[place] for part in (self.pixels, self.photo, self.mask))
        seen, style, content = loss.gradient(picture, photo, mask, tiles)
        gradient = roughness(self.pixels).mul_(SMOOTHNESS)
        gradient[place] += seen
        self.mean.lerp_(gradient, 0.1)
        self.square.lerp_(gradient.square_(), 0.01)
        size = (self.square / (1 - 0.99**step)).sqrt_().add_(1e-12)
        self.pixels.sub_(self.mean.div(size).mul_(rate / (1 - 0.9**step))).clamp_(0, 1)
        return style, content


def roughness(picture: Tensor) -> Tensor:
    """Gradient of the mean squared difference of neighbouring pixels, down and across."""
    gradient = torch.zeros_like(picture)
    for axis in (-2, -1):
        steps = picture.diff(dim=axis).mul_(2 / picture.numel())
        gradient.narrow(axis, 1, steps.shape[axis]).add_(steps)
        gradient.narrow(axis, 0, steps.shape[axis]).sub_(steps)
    return gradient
