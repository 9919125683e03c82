"""How a picture is turned until it is seen upright, and its boxes with it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile

from ..decode import ORIENTATION
from ..formats.opening import opened
from .boxes import SIDEWAYS, Corners

Head = tuple[int, int, int]
"""Width and height as stored, and the EXIF orientation, 1 to 8."""
Points = npt.NDArray[np.float64]
Move = Callable[[Points], Points]
"""From points [n, 2] as they are written to where they are seen."""


def head_of(data: bytes) -> Head:
    """What a picture's head tells.

    Raises `PictureError`. A PNG is unpacked only where it may say how it is turned.
    """
    with opened(data) as image:
        silent = image.format == "PNG" and not any(
            mark in data for mark in (b"eXIf", b"Raw profile type", b"adobe.xmp")
        )
        try:
            orientation = 1 if silent else image.getexif().get(ORIENTATION, 1)
        except Exception:  # `decode` reads such a picture as it is stored
            orientation = 1
        turned = isinstance(orientation, int) and 1 <= orientation <= 8
        width, height = image.size
        if isinstance(image, TiffImageFile):  # of which Pillow tells the size as it is seen
            width, height = (int(image.tag_v2[tag]) for tag in (IMAGEWIDTH, IMAGELENGTH))
        return width, height, int(orientation) if turned else 1


def turn_points(points: Points, size: tuple[int, int], orientation: int) -> Points:
    """Points [n, 2] of a picture as stored, `size` being its width and height, as they are seen."""
    width, height = size
    x, y = points[:, 0], points[:, 1]
    if orientation in {2, 3, 7, 8}:
        x = width - x
    if orientation in {3, 4, 6, 7}:
        y = height - y
    return np.stack((y, x) if orientation >= SIDEWAYS else (x, y), 1)


def turn_boxes(boxes: Corners, size: tuple[int, int], orientation: int) -> Corners:
    """Boxes [n, 4] of a picture as stored, as they are seen."""
    if orientation == 1 or not len(boxes):
        return boxes
    first = turn_points(boxes[:, :2], size, orientation)
    second = turn_points(boxes[:, 2:], size, orientation)
    return np.concatenate((np.minimum(first, second), np.maximum(first, second)), 1)


def points_of(numbers: Any, width: int) -> Points | None:
    """A list of numbers as points [n, width]; None of what is none."""
    try:
        points = np.array(numbers, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    whole = points.ndim == 1 and points.size % width == 0 and bool(np.isfinite(points).all())
    return points.reshape(-1, width) if whole else None


def move_outlines(outlines: Any, move: Move) -> list[list[float]] | None:
    """Outlines, lists of x, y, x, y, … each, with their points moved; None of what is none."""
    moved = []
    for one in outlines if isinstance(outlines, list) else [None]:
        points = points_of(one, 2)
        if points is None:
            return None
        moved.append(_numbers_of(move(points)))
    return moved


def move_keypoints(keypoints: Any, move: Move) -> list[float] | None:
    """Keypoints, x, y and how visible each, with their points moved; None of what is none.

    What is not labelled is three zeros in COCO, and stays so.
    """
    points = points_of(keypoints, 3)
    if points is None:
        return None
    labelled = points.any(1)
    points[labelled, :2] = move(points[labelled, :2])
    return _numbers_of(points)


def _numbers_of(points: Points) -> list[float]:
    return [round(number, 6) for number in points.reshape(-1).tolist()]
