"""How large pictures are in training: by the sizes of objects, and by the time."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ...pictures.boxes.boxes import BoxCatalog
from ...pictures.canvas import Canvas
from .strides import STRIDES

SIDE = 352
"""Usual side of the square that a canvas is as large as, in pixels."""
ENLARGED = 1.28
"""The most that pictures are enlarged: more shows nothing more."""
SEEN, PLAIN = 12.0, 24.0
"""Pixels of a canvas that the sides of small objects should have at least, which makes it larger
than usual; and those from which on it may be smaller, where the time is short."""
LARGEST, SMALLEST = 640, 192
SMALL = 10
"""Of a hundred objects, so many may be smaller."""
OBLONG = 2.0
"""The most that one side of a canvas has of the other."""

Affordable = Callable[[int], float]
"""From the number of pictures to learn from to the pixels that each may have on a canvas."""


def choose_canvas(
    catalog: BoxCatalog, side: int | None, *, affordable: Affordable | None = None
) -> Canvas:
    """A canvas as large as a square of this side, in the shape that most pictures have.

    Without a side it is `SIDE`; more where pictures have small objects, or less where they are
    small themselves, or where the time would be short and objects are large enough.

    Args:
        catalog: The pictures.
        side: In pixels.
        affordable: Tells what the time allows; None where nothing bounds it.

    Examples:
        >>> choose_canvas(street, 352)  # doctest: +SKIP
        Canvas(height=320, width=416)
    """
    sizes = np.array([catalog.seen_size(row) for row in range(len(catalog))], float)
    ratio = float(np.clip(np.median(sizes[:, 0] / sizes[:, 1]), 1 / OBLONG, OBLONG))
    if side is None:
        side = _side_for(catalog, np.sqrt(sizes.prod(1)), affordable) if len(catalog) else SIDE
    step = STRIDES[-1]
    height, width = (
        max(step, step * round(side * factor / step))
        for factor in (math.sqrt(1 / ratio), math.sqrt(ratio))
    )
    return Canvas(height, width)


def _side_for(
    catalog: BoxCatalog, sides_N: npt.NDArray[np.float64], affordable: Affordable | None
) -> int:
    """By how large the pictures are, what share of them small objects take, and the time."""
    shares = [
        np.sqrt((box[2:] - box[:2]).prod()) / side
        for boxes, side in zip(catalog.boxes, sides_N, strict=True)
        for box in boxes.xyxy
    ]
    largest = min(float(LARGEST), ENLARGED * float(np.median(sides_N)))
    small = max(float(np.percentile(shares, SMALL)), 1e-6) if shares else 1.0
    usual = min(max(float(SIDE), SEEN / small), largest)
    if affordable is not None and shares:
        learnt = sum(split in {"train", None} for split in catalog.splits)
        fast = math.sqrt(affordable(max(1, learnt)))
        usual = min(usual, max(fast, PLAIN / small))
    return round(max(usual, SMALLEST))
