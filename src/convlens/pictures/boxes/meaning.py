"""What the four numbers of a box mean: told by the form, by what was said, or by the numbers."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt

from .boxes import Corners
from .raw import RawSet
from .reading import Reading, ask

SHARE_LIMIT, PIXEL_LIMIT = 1.01, 2.0
"""Numbers up to the first may be shares of the picture; from the second on, none is."""
FEW = 0.1
"""Boxes in other units than the rest, up to this share of all, are mistakes by themselves."""
INSIDE = 1.0
"""Pixels that a box may stick out of its picture by the rounding of a program."""


@dataclass(frozen=True)
class Meaning:
    """How to read four numbers. `one_based` tells that pixels count from 1."""

    units: str
    corners: str
    _: KW_ONLY
    one_based: bool

    def corners_of(self, values: Corners, sizes: npt.NDArray[np.float64]) -> Corners:
        """Left, top, right, bottom [n, 4] in pixels, from numbers [n, 4] and sizes [n, 2]."""
        values = values * np.tile(sizes, 2) if self.units == "relative" else values
        boxes = to_corners(values, self.corners)
        if self.one_based:  # the pixels from the first to the last, both within
            boxes[:, :2] -= 1
            if self.corners != "xyxy":
                boxes[:, 2:] -= 1
        return boxes


def to_corners(values: Corners, corners: str) -> Corners:
    """Numbers [n, 4] as left, top, right, bottom."""
    first, second = values[:, :2], values[:, 2:]
    if corners == "xywh":
        return np.concatenate((first, first + second), 1)
    if corners == "cxcywh":
        return np.concatenate((first - second / 2, first + second / 2), 1)
    return values.copy()


def meaning_of(
    raw: RawSet, reading: Reading, *, values: Corners, sizes: npt.NDArray[np.float64]
) -> Meaning:
    """Tell what the numbers [n, 4] of all boxes mean, in pictures of these sizes [n, 2].

    Raises a `ConvlensError` that asks back where they may mean two things.
    """
    units = reading.units or _units(raw, values)
    candidates = (reading.corners,) if reading.corners else raw.corners
    pixels = values * np.tile(sizes, 2) if units == "relative" else values
    corners = _corners(raw, candidates, pixels, sizes)
    if reading.corners is None and len(candidates) == 1 and candidates[0] == "xywh":
        _question_corners(raw, pixels, sizes)
    origin = reading.origin or raw.origin or _origin(values)
    return Meaning(units, corners, one_based=origin == "from1" and units == "pixels")


def _units(raw: RawSet, values: Corners) -> str:
    """Shares or pixels: as the form says, unless most numbers contradict it."""
    if not len(values):
        return raw.units or "pixels"
    largest = np.abs(values).max(1)
    shares, pixels = (largest <= SHARE_LIMIT).mean(), (largest >= PIXEL_LIMIT).mean()
    whole = bool((values == np.round(values)).all())
    if raw.units is None and shares > 1 - FEW and not whole:
        return "relative"
    if raw.units is None and shares < FEW:
        return "pixels"
    if raw.units == "relative" and pixels < 0.5:
        return "relative"
    if raw.units == "pixels" and shares < 0.5:
        return "pixels"
    raise ask(
        f"{raw.root}: {shares:.0%} of the {len(values):,} boxes look like shares of the picture "
        f"and {pixels:.0%} like pixels (the largest number is {largest.max():g})",
        "relative",
        "pixels",
    )


def _fits(values: Corners, corners: str, sizes: npt.NDArray[np.float64]) -> float:
    """The share of boxes that lie in their pictures, if the numbers mean this."""
    boxes = to_corners(values, corners)
    inside = (boxes[:, :2] >= -INSIDE).all(1) & (boxes[:, 2:] <= sizes + INSIDE).all(1)
    return float((inside & (boxes[:, 2:] > boxes[:, :2]).all(1)).mean())


def _corners(
    raw: RawSet, candidates: Sequence[str], pixels: Corners, sizes: npt.NDArray[np.float64]
) -> str:
    """The one meaning by which boxes lie in their pictures."""
    if len(candidates) == 1 or not len(pixels):
        return candidates[0]
    fits = {corners: _fits(pixels, corners, sizes) for corners in candidates}
    best, second = sorted(fits, key=lambda corners: -fits[corners])[:2]
    if fits[second] < 1 and (fits[best] == 1 or fits[best] - fits[second] > 0.1):
        return best
    shares = ", ".join(f"{share:.1%} as {corners}" for corners, share in fits.items())
    raise ask(
        f"{raw.root}: it cannot be told what the four numbers of a box are; of {len(pixels):,} "
        f"boxes lie within their pictures: {shares}",
        *candidates,
    )


def _question_corners(raw: RawSet, pixels: Corners, sizes: npt.NDArray[np.float64]) -> None:
    """Raise where boxes that should be left, top, width, height make sense as corners only."""
    if len(pixels) and (as_said := _fits(pixels, "xywh", sizes)) < 0.5:
        as_corners = _fits(pixels, "xyxy", sizes)
        if as_corners > 0.95:
            raise ask(
                f"{raw.root}: of {len(pixels):,} boxes, {as_said:.0%} lie within their pictures if "
                f"the numbers are left, top, width and height, and {as_corners:.0%} if they are "
                "left, top, right and bottom",
                "xyxy",
                "xywh",
            )


def _origin(values: Corners) -> str:
    """Pascal VOC counts from 1; what has a 0 was written by a program that does not."""
    return "from1" if len(values) and (values[:, :2] >= 1).all() else "from0"


def counts_from_1(
    meaning: Meaning, raw: RawSet, *, values: Corners, sizes: npt.NDArray[np.float64]
) -> str:
    """What there is to say where boxes count pixels from 1, or seem to; else nothing."""
    if meaning.units != "pixels" or not len(values):
        return ""
    boxes = meaning.corners_of(values, sizes)
    if meaning.one_based:
        return (
            f"boxes count pixels from 1, as {raw.form} says, and none begins at 0: 1 is taken off "
            "their left and upper edges (--boxes from0: nothing is)"
        )
    whole = bool((values == np.round(values)).all())
    if whole and boxes[:, :2].min() >= 1 and (boxes[:, 2:] - sizes).max() == 1:
        return (
            "boxes seem to count pixels from 1: none begins at 0, and some end a pixel past their "
            "pictures (--boxes from1: 1 is taken off)"
        )
    return ""
