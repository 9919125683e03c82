"""Varying training pictures: each way is a small function of uniform numbers per picture.

A picture's variation is a function of (seed, epoch, index). All geometric ways together make one
affine map per picture, so pixels are interpolated once.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ..errors import UsageError
from .random import generator

GEOMETRIC = ("mirror", "shift", "crop", "rotate")
WAYS = (*GEOMETRIC, "colour")

# Columns of the table of uniform numbers.
_MIRROR, _SHIFT_X, _SHIFT_Y, _AREA, _RATIO, _CROP_X, _CROP_Y, _ANGLE = range(8)
_BRIGHT, _CONTRAST, _SATURATION = range(8, 11)
_COLUMNS = 11

SHIFT = 0.125
"""Largest shift, as a share of the side."""
AREA = 0.4
"""Smallest share of the area that a crop keeps."""
RATIO = 4 / 3
"""Largest ratio of the sides of a crop."""
ANGLE = 12 * pi / 180
"""Largest rotation, in radians."""
COLOUR = 0.3
"""Largest relative change of brightness, contrast and saturation."""


def parse_ways(text: str) -> frozenset[str]:
    """`none`, or names from `WAYS` with commas between. Raises `UsageError`."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["none"]:
        return frozenset()
    for name in names:
        if name not in WAYS:
            raise UsageError(f"--augment {text}: {name!r} is none of {', '.join(WAYS)}")
    return frozenset(names)


@dataclass(frozen=True)
class Augment:
    """The ways that are on; none gives back exactly the pixels that evaluation sees."""

    ways: frozenset[str]
    seed: int

    def table(self, epoch: int, pictures: int) -> npt.NDArray[np.float32]:
        """Uniform numbers in [0, 1) [pictures, columns] for one epoch."""
        return generator(self.seed, "augment", epoch).random((pictures, _COLUMNS), np.float32)

    def __call__(self, pixels_NCHW: Tensor, uniform_NU: Tensor) -> Tensor:
        """Float pixels 0 to 1 [N, 3, H, W] and their rows of the table to varied pixels."""
        if self.ways & set(GEOMETRIC):
            maps = self._affine(uniform_NU)
            grid = functional.affine_grid(maps, list(pixels_NCHW.shape), align_corners=False)
            pixels_NCHW = functional.grid_sample(
                pixels_NCHW, grid, padding_mode="reflection", align_corners=False
            )
        return self._colour(pixels_NCHW, uniform_NU) if "colour" in self.ways else pixels_NCHW

    def _affine(self, u: Tensor) -> Tensor:
        """From output to input coordinates, both -1 to 1: [N, 2, 3]."""
        one = torch.ones(len(u))
        width, height, x, y, cos, sin = one, one, 0 * one, 0 * one, one, 0 * one
        if "crop" in self.ways:
            area = AREA + (1 - AREA) * u[:, _AREA]
            ratio = RATIO ** (u[:, _RATIO] - 0.5)
            width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
            x = (1 - width) * (2 * u[:, _CROP_X] - 1)
            y = (1 - height) * (2 * u[:, _CROP_Y] - 1)
        if "shift" in self.ways:
            x = x + 2 * SHIFT * (2 * u[:, _SHIFT_X] - 1)
            y = y + 2 * SHIFT * (2 * u[:, _SHIFT_Y] - 1)
        if "rotate" in self.ways:
            angle = ANGLE * (2 * u[:, _ANGLE] - 1)
            cos, sin = angle.cos(), angle.sin()
        flip = 1 - 2 * (u[:, _MIRROR] < 0.5).float() if "mirror" in self.ways else one
        rows = (
            torch.stack((cos * width * flip, -sin * height, x), 1),
            torch.stack((sin * width * flip, cos * height, y), 1),
        )
        return torch.stack(rows, 1)

    def _colour(self, pixels: Tensor, u: Tensor) -> Tensor:
        """Brightness and contrast about the picture's mean, and saturation about its grey."""
        bright, contrast, saturation = (
            (1 + COLOUR * (2 * u[:, column] - 1)).view(-1, 1, 1, 1)
            for column in (_BRIGHT, _CONTRAST, _SATURATION)
        )
        grey = pixels.mean(1, keepdim=True)
        pixels = grey + (pixels - grey) * saturation
        mean = grey.mean((2, 3), keepdim=True)
        return ((pixels - mean) * contrast + mean * bright).clamp(0, 1)
