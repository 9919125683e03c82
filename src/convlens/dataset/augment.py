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

GEOMETRIC = ("mirror", "flip", "turn", "shift", "crop", "trim", "rotate")
WAYS = (*GEOMETRIC, "colour", "erase", "mix")
# Columns of the table of uniform numbers.
_MIRROR, _SHIFT_X, _SHIFT_Y, _AREA, _RATIO, _CROP_X, _CROP_Y, _ANGLE = range(8)
_BRIGHT, _CONTRAST, _SATURATION = range(8, 11)
_MIX, _SHARE, _BOX_X, _BOX_Y = range(11, 15)
_TURN, _FLIP, _HOLE_X, _HOLE_Y = range(15, 19)
_COLUMNS = 19

_QUARTERS = torch.tensor(
    [((1, 0), (0, 1)), ((0, -1), (1, 0)), ((-1, 0), (0, -1)), ((0, 1), (-1, 0))],
    dtype=torch.float32,
)

SHIFT = 0.125
"""Largest shift, as a share of the side."""
AREA = {"crop": 0.35, "trim": 0.7}
"""Smallest share of the area that a crop keeps: where pictures are seen often, and less often.

A picture seen a hundred times has to be varied more than one seen ten times, and a small part of a
picture may not show what its label says."""
USUAL = "mirror,crop,rotate,colour"
"""What is on unless asked otherwise, from random parameters."""
USUAL_FEW = "mirror,trim,rotate,colour"
"""The same for few passes, as in fine-tuning."""
USUAL_SMALL, SMALL = "mirror,shift,erase", 64
"""The same for pictures with a side below 64, from random parameters: crops and rotations
interpolate between pixels, and would blur them in training but not in the answer."""
RATIO = 4 / 3
"""Largest ratio of the sides of a crop."""
ANGLE = 12 * pi / 180
"""Largest rotation, in radians."""
COLOUR = 0.3
"""Largest relative change of brightness, contrast and saturation."""
HOLE = 0.25
"""Side of the grey square that erases a part (Cutout, DeVries and Taylor 2017), as a share."""
BLENDED, PASTED = 0.4, 0.4
"""Shares of the pictures that are blended with another one, and that get a box of another one."""


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

    def __call__(self, pixels_NCHW: Tensor, uniform_NU: Tensor, side: int | None = None) -> Tensor:
        """Float pixels 0 to 1 [N, 3, H, W] and their rows of the table to varied pixels.

        They come out with this side, the one that they have unless told.
        """
        count, _, height, width = pixels_NCHW.shape
        shape = [count, 3, side or height, side or width]
        if self.ways & set(GEOMETRIC) or shape != list(pixels_NCHW.shape):
            grid = functional.affine_grid(
                self._affine(uniform_NU, height, columns=width), shape, align_corners=False
            )
            pixels_NCHW = functional.grid_sample(
                pixels_NCHW, grid, padding_mode="reflection", align_corners=False
            )
        if "colour" in self.ways:
            pixels_NCHW = self._colour(pixels_NCHW, uniform_NU)
        if "erase" in self.ways:
            holes = _boxes(
                pixels_NCHW, uniform_NU[:, (_HOLE_X, _HOLE_Y)], share_N=torch.full((count,), HOLE)
            )
            pixels_NCHW = pixels_NCHW.masked_fill(holes > 0, 0.5)
        return pixels_NCHW

    def mix(
        self, pixels: Tensor, targets: Tensor, *, uniform_NU: Tensor, part: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Each picture [N, 3, H, W] mixed with its partner, and so their targets [N, K].

        The partner is the picture as far from the group's end as this one from its beginning. Some
        pictures are blended (mixup, Zhang et al. 2017, its share drawn from Beta(0.5, 0.5)), some
        get a box of the partner (CutMix, Yun et al. 2019, the box's area uniform), the rest stay.
        Of those that would be mixed, `part` are.
        """
        if "mix" not in self.ways:
            return pixels, targets
        u = uniform_NU
        blend = (u[:, _SHARE] * pi / 2).sin().square()  # the arcsine law, which is Beta(0.5, 0.5)
        box = _boxes(pixels, u[:, (_BOX_X, _BOX_Y)], share_N=u[:, _SHARE].sqrt())
        blended = (u[:, _MIX] < part * BLENDED).view(-1, 1, 1, 1)
        pasted = (u[:, _MIX] >= 1 - part * PASTED).view(-1, 1, 1, 1)
        other = blended * blend.view(-1, 1, 1, 1) + pasted * box
        share = other.mean((1, 2, 3))[:, None]
        return (
            torch.lerp(pixels, pixels.flip(0), other),
            torch.lerp(targets, targets.flip(0), share),
        )

    def _affine(self, u: Tensor, rows: int, *, columns: int) -> Tensor:
        """From output to input coordinates, both -1 to 1, for pictures of this shape: [N, 2, 3]."""
        one = torch.ones(len(u))
        width, height, x, y, cos, sin = one, one, 0 * one, 0 * one, one, 0 * one
        least = next((least for way, least in AREA.items() if way in self.ways), None)
        if least is not None:
            area = least + (1 - least) * u[:, _AREA]
            ratio = RATIO ** (u[:, _RATIO] - 0.5)
            width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
            x = (1 - width) * (2 * u[:, _CROP_X] - 1)
            y = (1 - height) * (2 * u[:, _CROP_Y] - 1)
        if "shift" in self.ways:
            # by whole pixels: between them, small pictures would be blurred
            x, y = (
                place + (SHIFT * length * (2 * u[:, column] - 1)).round() * 2 / length
                for place, length, column in ((x, columns, _SHIFT_X), (y, rows, _SHIFT_Y))
            )
        if "rotate" in self.ways:
            angle = ANGLE * (2 * u[:, _ANGLE] - 1)
            cos, sin = angle.cos(), angle.sin()
        flip = 1 - 2 * (u[:, _MIRROR] < 0.5).float() if "mirror" in self.ways else one
        fall = 1 - 2 * (u[:, _FLIP] < 0.5).float() if "flip" in self.ways else one
        across = torch.stack((cos * width * flip, -sin * height * fall), 1)
        down = torch.stack((sin * width * flip, cos * height * fall), 1)
        linear, shift = torch.stack((across, down), 1), torch.stack((x, y), 1)
        if "turn" in self.ways:
            turns = (4 * u[:, _TURN]).long()
            linear = linear @ _QUARTERS[turns]
        return torch.cat((linear, shift[:, :, None]), 2)

    def _colour(self, pixels: Tensor, u: Tensor) -> Tensor:
        """Brightness and contrast about the picture's mean, and saturation about its grey.

        (grey + (pixels - grey) × saturation - mean) × contrast + mean × bright, in few passes.
        """
        bright, contrast, saturation = (
            (1 + COLOUR * (2 * u[:, column] - 1)).view(-1, 1, 1, 1)
            for column in (_BRIGHT, _CONTRAST, _SATURATION)
        )
        grey = pixels.mean(1, keepdim=True)
        mean = grey.mean((2, 3), keepdim=True)
        base = grey * ((1 - saturation) * contrast) + mean * (bright - contrast)
        return torch.addcmul(base, pixels, saturation * contrast).clamp_(0, 1)


def _boxes(pixels_NCHW: Tensor, centres_N2: Tensor, *, share_N: Tensor) -> Tensor:
    """1 in a box about each centre (x, y) with this share of the sides, else 0: [N, 1, H, W]."""
    rows, columns = (
        _inside(length, centre, share_N=share_N)
        for length, centre in zip(pixels_NCHW.shape[-2:], centres_N2.flip(1).T, strict=True)
    )
    return (rows[:, :, None] * columns[:, None, :])[:, None]


def _inside(length: int, centre_N: Tensor, *, share_N: Tensor) -> Tensor:
    """1 where a place lies within a window about the centre, else 0: [N, length]."""
    place = (torch.arange(length) + 0.5) / length
    return ((place - centre_N[:, None]).abs() < share_N[:, None] / 2).float()
