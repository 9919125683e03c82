"""Augmentations that move boxes with their pictures: one map of each axis per picture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ...dataset.augment import vary_colours
from ...dataset.random import generator
from ...pictures.canvas import GREY
from .cost import NOTHING

_HFLIP, _VFLIP, _ZOOM, _RATIO, _X, _Y, _COLOURS, _COLUMNS = 0, 1, 2, 3, 4, 5, slice(6, 9), 9
ZOOM = 0.5
"""Pictures are shrunk and enlarged by up to exp(0.5) = 1.6."""
RATIO = 0.15
"""The ratio of their sides changes by up to exp(0.15) = 1.2."""
VISIBLE = 0.3
"""An object of which less is left on the canvas is learnt no more."""
SMALLEST = 2.0
"""Pixels of a side below which nothing is learnt."""


@dataclass(frozen=True)
class BoxAugment:
    """Varies pictures on a canvas by uniform numbers; what comes out fits the same canvas.

    Args:
        vflip: Whether pictures may be turned upside down.
        seed: Of the numbers.
    """

    vflip: bool
    seed: int

    def table(self, epoch: int, pictures: int) -> npt.NDArray[np.float32]:
        """Uniform numbers in [0, 1) [pictures, columns] for one epoch."""
        return generator(self.seed, "augment", epoch).random((pictures, _COLUMNS), np.float32)

    def __call__(
        self, pixels_NCHW: Tensor, labels_NG5: Tensor, *, fitted_N2: Tensor, uniform_NU: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Varied pixels, and labels in their pixels.

        Args:
            pixels_NCHW: 0 to 1, pictures in their upper left.
            labels_NG5: As `BoxCost` takes them.
            fitted_N2: Height and width that each picture has on the canvas.
            uniform_NU: The pictures' rows of the table.
        """
        u = uniform_NU
        height, width = pixels_NCHW.shape[-2:]
        zoom, ratio = (
            (limit * (2 * u[:, k] - 1)).exp() for limit, k in ((ZOOM, _ZOOM), (RATIO, _RATIO))
        )
        down = _Axis.drawn(
            height,
            fitted_N2[:, 0],
            scale=zoom / ratio.sqrt(),
            place=u[:, _Y],
            flipped=(u[:, _VFLIP] < 0.5) & self.vflip,
        )
        across = _Axis.drawn(
            width,
            fitted_N2[:, 1],
            scale=zoom * ratio.sqrt(),
            place=u[:, _X],
            flipped=u[:, _HFLIP] < 0.5,
        )
        theta = torch.zeros(len(u), 2, 3)
        (theta[:, 0, 0], theta[:, 0, 2]), (theta[:, 1, 1], theta[:, 1, 2]) = (
            axis.inverse() for axis in (across, down)
        )
        grid = functional.affine_grid(theta, list(pixels_NCHW.shape), align_corners=False)
        grey = GREY / 255
        moved = functional.grid_sample(pixels_NCHW - grey, grid, align_corners=False) + grey
        return vary_colours(moved, u[:, _COLOURS]), _moved(labels_NG5, across=across, down=down)


@dataclass(frozen=True)
class _Axis:
    """x becomes scale × x + shift on one axis of a canvas, picture by picture [N]."""

    length: int
    scale: Tensor
    shift: Tensor

    @staticmethod
    def drawn(
        length: int, fitted_N: Tensor, *, scale: Tensor, place: Tensor, flipped: Tensor
    ) -> "_Axis":
        """What lays a picture of this length somewhere on it, or over its ends."""
        extent = scale * fitted_N
        free = length - extent
        begin = free.clamp(max=0) + free.abs() * place
        return _Axis(
            length,
            torch.where(flipped, -scale, scale),
            torch.where(flipped, begin + extent, begin),
        )

    def inverse(self) -> tuple[Tensor, Tensor]:
        """Factor and summand of the way back, where the axis goes from -1 to 1."""
        return 1 / self.scale, (1 - 2 * self.shift / self.length) / self.scale - 1

    def __call__(self, edges_NG2: Tensor) -> Tensor:
        """Both edges of boxes, in order, however far outside."""
        moved = edges_NG2 * self.scale[:, None, None] + self.shift[:, None, None]
        return moved.sort(-1).values


def _moved(labels_NG5: Tensor, *, across: _Axis, down: _Axis) -> Tensor:
    """The labels where the picture went; what left the canvas is `NOTHING`."""
    x, y = across(labels_NG5[..., (0, 2)]), down(labels_NG5[..., (1, 3)])
    inside_x, inside_y = x.clamp(0, across.length), y.clamp(0, down.length)
    sides = torch.stack((inside_x[..., 1] - inside_x[..., 0], inside_y[..., 1] - inside_y[..., 0]))
    whole = (x[..., 1] - x[..., 0]) * (y[..., 1] - y[..., 0])
    seen = (sides.prod(0) >= VISIBLE * whole) & (sides.amin(0) >= SMALLEST)
    labels = torch.where(seen, labels_NG5[..., 4], float(NOTHING))
    edges = (inside_x[..., 0], inside_y[..., 0], inside_x[..., 1], inside_y[..., 1], labels)
    return torch.stack(edges, -1)
