"""Augmentations of training pictures: small functions of uniform numbers per picture.

A picture's variation is a function of (seed, epoch, index). All geometric augmentations together
make one affine map per picture, so pixels are interpolated once.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ..errors import UsageError
from ..options import AUGMENTATIONS
from .random import generator

GEOMETRIC = {"hflip", "vflip", "rot90", "shift", "crop", "mild-crop", "rotate"}
# Columns of the table of uniform numbers.
_HFLIP, _SHIFT_X, _SHIFT_Y, _AREA, _RATIO, _CROP_X, _CROP_Y, _ANGLE = range(8)
_BRIGHT, _CONTRAST, _SATURATION = range(8, 11)
_MIXED, _SHARE, _BOX_X, _BOX_Y = range(11, 15)
_ROT90, _VFLIP, _HOLE_X, _HOLE_Y = range(15, 19)
_COLUMNS = 19

_QUARTERS = torch.tensor(
    [((1, 0), (0, 1)), ((0, -1), (1, 0)), ((-1, 0), (0, -1)), ((0, 1), (-1, 0))],
    dtype=torch.float32,
)

SHIFT = 0.125
"""Largest shift, as a share of the side."""
AREA = {"crop": 0.35, "mild-crop": 0.7}
"""Smallest share of the area that a crop keeps: where pictures are seen often, and less often.

A picture seen a hundred times has to be varied more than one seen ten times, and a small part of a
picture may not show what its label says."""
DEFAULT = "hflip,crop,rotate,colour"
"""What is on by default, from random parameters."""
DEFAULT_FEW_EPOCHS = "hflip,mild-crop,rotate,colour"
"""The same for few epochs, as in fine-tuning."""
DEFAULT_SMALL, SMALL = "hflip,shift,cutout", 64
"""The same for pictures with a side below 64, from random parameters: crops and rotations
interpolate between pixels, and would blur them in training but not in the answer."""
CROPPED_EPOCHS, MIXED_EPOCHS, SMALL_MIXED_EPOCHS = 30, 60, 15
"""From random parameters: from so many passes on crops may be small, pictures are mixed, and small
ones, which are varied less, get boxes of others."""
RATIO = 4 / 3
"""Largest ratio of the sides of a crop."""
ANGLE = 12 * pi / 180
"""Largest rotation, in radians."""
COLOUR = 0.3
"""Largest relative change of brightness, contrast and saturation."""
HOLE = 0.25
"""Side of the grey square of Cutout (DeVries and Taylor 2017), as a share of the picture's."""
MIXUP, CUTMIX = 0.4, 0.4
"""Shares of the pictures that are blended with another one, and that get a box of another one."""


def default_augmentations(size: int, *, pretrained: bool) -> str:
    """What is on by default for pictures of this side."""
    return DEFAULT_FEW_EPOCHS if pretrained else DEFAULT_SMALL if size < SMALL else DEFAULT


def augmentations_for(size: int, *, epochs: float) -> str:
    """What is on by default from random parameters, where each picture is seen so often."""
    if epochs >= MIXED_EPOCHS:
        return default_augmentations(size, pretrained=False) + ",mixup,cutmix"
    if size < SMALL:
        return DEFAULT_SMALL + (",cutmix" if epochs >= SMALL_MIXED_EPOCHS else "")
    return DEFAULT if epochs >= CROPPED_EPOCHS else DEFAULT_FEW_EPOCHS


def parse_augmentations(text: str) -> frozenset[str]:
    """`none`, or names from `AUGMENTATIONS` with commas between. Raises `UsageError`."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["none"]:
        return frozenset()
    for name in names:
        if name not in AUGMENTATIONS:
            raise UsageError(f"--augment {text}: {name!r} is none of {', '.join(AUGMENTATIONS)}")
    return frozenset(names)


@dataclass(frozen=True)
class Augment:
    """The augmentations that are on; none gives back exactly the pixels that evaluation sees."""

    augmentations: frozenset[str]
    seed: int

    def table(self, epoch: int, pictures: int) -> npt.NDArray[np.float32]:
        """Uniform numbers in [0, 1) [pictures, columns] for one epoch."""
        return generator(self.seed, "augment", epoch).random((pictures, _COLUMNS), np.float32)

    def __call__(self, pixels_NCHW: Tensor, uniform_NU: Tensor, side: int | None = None) -> Tensor:
        """Float pixels 0 to 1 [N, 3, H, W] and their rows of the table to varied pixels.

        They come out with this side, by default the one that they have.
        """
        count, _, height, width = pixels_NCHW.shape
        shape = [count, 3, side or height, side or width]
        if self.augmentations & GEOMETRIC or shape != list(pixels_NCHW.shape):
            grid = functional.affine_grid(
                self._affine(uniform_NU, height, columns=width), shape, align_corners=False
            )
            pixels_NCHW = functional.grid_sample(
                pixels_NCHW, grid, padding_mode="reflection", align_corners=False
            )
        if "colour" in self.augmentations:
            uniform_N3 = uniform_NU[:, (_BRIGHT, _CONTRAST, _SATURATION)]
            pixels_NCHW = vary_colours(pixels_NCHW, uniform_N3)
        if "cutout" in self.augmentations:
            holes = _boxes(
                pixels_NCHW, uniform_NU[:, (_HOLE_X, _HOLE_Y)], share_N=torch.full((count,), HOLE)
            )
            pixels_NCHW = pixels_NCHW.masked_fill(holes > 0, 0.5)
        return pixels_NCHW

    def mix(
        self, pixels: Tensor, targets: Tensor, *, uniform_NU: Tensor, part: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Each picture [N, 3, H, W] mixed with its partner, and so their targets [N, K].

        The partner is the picture as far from the micro-batch's end as this one from its beginning.
        With `mixup` some pictures are blended (Zhang et al. 2017, the share drawn from
        Beta(0.5, 0.5)); with `cutmix` some others get a box of the partner (Yun et al. 2019, the
        box's area uniform); the rest stay. Of those that would be mixed, `part` are.
        """
        u = uniform_NU
        weights = []
        if "mixup" in self.augmentations:
            blend = (u[:, _SHARE] * pi / 2).sin().square()  # the arcsine law: Beta(0.5, 0.5)
            chosen = u[:, _MIXED] < part * MIXUP
            weights.append(chosen.view(-1, 1, 1, 1) * blend.view(-1, 1, 1, 1))
        if "cutmix" in self.augmentations:
            box = _boxes(pixels, u[:, (_BOX_X, _BOX_Y)], share_N=u[:, _SHARE].sqrt())
            chosen = u[:, _MIXED] >= 1 - part * CUTMIX
            weights.append(chosen.view(-1, 1, 1, 1) * box)
        if not weights:
            return pixels, targets
        partner_weight = sum(weights[1:], weights[0])
        share = partner_weight.mean((1, 2, 3))[:, None]
        return (
            torch.lerp(pixels, pixels.flip(0), partner_weight),
            torch.lerp(targets, targets.flip(0), share),
        )

    def _affine(self, u: Tensor, rows: int, *, columns: int) -> Tensor:
        """From output to input coordinates, both -1 to 1, for pictures of this shape: [N, 2, 3]."""
        one = torch.ones(len(u))
        width, height, x, y, cos, sin = one, one, 0 * one, 0 * one, one, 0 * one
        least = next((AREA[crop] for crop in AREA if crop in self.augmentations), None)
        if least is not None:
            area = least + (1 - least) * u[:, _AREA]
            ratio = RATIO ** (u[:, _RATIO] - 0.5)
            width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
            x = (1 - width) * (2 * u[:, _CROP_X] - 1)
            y = (1 - height) * (2 * u[:, _CROP_Y] - 1)
        if "shift" in self.augmentations:
            # by whole pixels: between them, small pictures would be blurred
            x, y = (
                centre + (SHIFT * length * (2 * u[:, column] - 1)).round() * 2 / length
                for centre, length, column in ((x, columns, _SHIFT_X), (y, rows, _SHIFT_Y))
            )
        if "rotate" in self.augmentations:
            angle = ANGLE * (2 * u[:, _ANGLE] - 1)
            cos, sin = angle.cos(), angle.sin()
        across_sign = 1 - 2 * (u[:, _HFLIP] < 0.5).float() if "hflip" in self.augmentations else one
        down_sign = 1 - 2 * (u[:, _VFLIP] < 0.5).float() if "vflip" in self.augmentations else one
        across = torch.stack((cos * width * across_sign, -sin * height * down_sign), 1)
        down = torch.stack((sin * width * across_sign, cos * height * down_sign), 1)
        linear, shift = torch.stack((across, down), 1), torch.stack((x, y), 1)
        if "rot90" in self.augmentations:
            turns = (4 * u[:, _ROT90]).long()
            linear = linear @ _QUARTERS[turns]
        return torch.cat((linear, shift[:, :, None]), 2)


def vary_colours(pixels_NCHW: Tensor, uniform_N3: Tensor) -> Tensor:
    """Brightness and contrast about the picture's mean, and saturation about its grey.

    (grey + (pixels - grey) × saturation - mean) × contrast + mean × bright, in few passes, by
    uniform numbers for brightness, contrast and saturation.
    """
    bright, contrast, saturation = (1 + COLOUR * (2 * uniform_N3 - 1)).T[..., None, None, None]
    grey = pixels_NCHW.mean(1, keepdim=True)
    mean = grey.mean((2, 3), keepdim=True)
    base = grey * ((1 - saturation) * contrast) + mean * (bright - contrast)
    return torch.addcmul(base, pixels_NCHW, saturation * contrast).clamp_(0, 1)


def _boxes(pixels_NCHW: Tensor, centres_N2: Tensor, *, share_N: Tensor) -> Tensor:
    """1 in a box about each centre (x, y) with this share of the sides, else 0: [N, 1, H, W]."""
    rows, columns = (
        _inside(length, centre, share_N=share_N)
        for length, centre in zip(pixels_NCHW.shape[-2:], centres_N2.flip(1).T, strict=True)
    )
    return (rows[:, :, None] * columns[:, None, :])[:, None]


def _inside(length: int, centre_N: Tensor, *, share_N: Tensor) -> Tensor:
    """1 where a pixel lies within a window about the centre, else 0: [N, length]."""
    position = (torch.arange(length) + 0.5) / length
    return ((position - centre_N[:, None]).abs() < share_N[:, None] / 2).float()
