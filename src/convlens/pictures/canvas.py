"""What pictures are brought to: a square, squashed, or a canvas on which each keeps its shape."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .decode import RGB
from .resize import Resizer, resize

GREY = 114
"""Of a canvas beside its picture."""


@dataclass(frozen=True)
class Canvas:
    """Height and width in pixels. Pictures stand in its upper left, as large as they fit."""

    height: int
    width: int

    def fitted(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that a picture of this size has on it.

        Computed in float32, as in a detector file.

        Examples:
            >>> Canvas(320, 416).fitted(480, 640)
            (312, 416)
        """
        sides = np.array((height, width), np.float32)
        scale = (np.array((self.height, self.width), np.float32) / sides).min()
        rows, columns = np.floor(sides * scale + np.float32(0.5)).astype(int).tolist()
        return min(max(rows, 1), self.height), min(max(columns, 1), self.width)

    def place(self, image: RGB) -> RGB:
        """A picture [h, w, 3] on the canvas [height, width, 3]. May be called from many threads."""
        rows, columns = self.fitted(*image.shape[:2])
        canvas = np.full((self.height, self.width, 3), GREY, np.uint8)
        canvas[:rows, :columns] = resize(image, (rows, columns))
        return canvas


Frame = int | Canvas
"""What pictures are brought to: a square of so many pixels a side, or a canvas."""


def shape_of(frame: Frame) -> tuple[int, int]:
    """Height and width in pixels."""
    return (frame, frame) if isinstance(frame, int) else (frame.height, frame.width)


def placing(frame: Frame) -> Callable[[RGB], RGB]:
    """What brings pictures [h, w, 3] to it."""
    return Resizer(frame) if isinstance(frame, int) else frame.place
