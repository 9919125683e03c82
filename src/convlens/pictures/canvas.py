"""What pictures are brought to: a square, squashed, or a canvas on which each keeps its shape."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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

    def own_pixels(
        self, boxes: npt.NDArray[np.float32], height: int, width: int
    ) -> npt.NDArray[np.float32]:
        """Boxes [n, 4] on the canvas in the pixels of a picture of this size, cut at its edges.

        They are left, top, right and bottom.

        Examples:
            >>> Canvas(320, 416).own_pixels(np.array([[0, 39, 104, 999]], np.float32), 480, 640)
            array([[  0.,  60., 160., 480.]], dtype=float32)
        """
        rows, columns = self.fitted(height, width)
        enlarged = np.array((width / columns, height / rows) * 2, np.float32)
        return (boxes * enlarged).clip(0, np.array((width, height) * 2, np.float32))


Frame = int | Canvas
"""What pictures are brought to: a square of so many pixels a side, or a canvas."""


def shape_of(frame: Frame) -> tuple[int, int]:
    """Height and width in pixels."""
    return (frame, frame) if isinstance(frame, int) else (frame.height, frame.width)


def covered(frame: Frame, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of it, from the upper left, that a picture of this size covers."""
    return (frame, frame) if isinstance(frame, int) else frame.fitted(height, width)


def placing(frame: Frame) -> Callable[[RGB], RGB]:
    """What brings pictures [h, w, 3] to it."""
    return Resizer(frame) if isinstance(frame, int) else frame.place
