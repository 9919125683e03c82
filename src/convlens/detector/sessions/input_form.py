"""What a graph takes that leaves the resize to its caller."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...pictures.canvas import Canvas, Frame, placing, shape_of
from ...pictures.decode import RGB

BOXES = "boxes"
"""The output that is in pixels: of the canvas where that is what the graph takes."""


@dataclass(frozen=True)
class InputForm:
    """Pictures as they stand on `frame`, levels 0 to 255 in RGB.

    `batch` is 1, or N for any number; `dtype` is uint8, or float32 with the same numbers; `layout`
    is NHWC or NCHW.
    """

    frame: Frame
    batch: str = "1"
    dtype: str = "uint8"
    layout: str = "NHWC"

    @classmethod
    def from_json(cls, text: str) -> "InputForm":
        """As `as_json` wrote it."""
        values = json.loads(text)
        frame = values.pop("frame")
        return cls(frame if isinstance(frame, int) else Canvas(**frame), **values)

    def as_json(self) -> str:
        """For the metadata."""
        return json.dumps(asdict(self))

    @property
    def shape(self) -> list[int | str]:
        """Of the input; the batch's name where it is any number."""
        batch: int | str = 1 if self.batch == "1" else "batch"
        sides = shape_of(self.frame)
        return [batch, 3, *sides] if self.layout == "NCHW" else [batch, *sides, 3]

    @cached_property
    def _place(self) -> Callable[[RGB], RGB]:
        return placing(self.frame)

    def prepare(self, image: RGB) -> npt.NDArray[Any]:
        """Upright RGB [height, width, 3] of any size as a batch of one."""
        pixels = self._place(image)
        if self.layout == "NCHW":
            pixels = pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(pixels[None], np.dtype(self.dtype))

    def own_pixels(
        self, values: list[npt.NDArray[Any]], names: Sequence[str], image: RGB
    ) -> list[npt.NDArray[Any]]:
        """Outputs of these names for a picture, with boxes in its own pixels."""
        if not isinstance(self.frame, Canvas):
            return values
        place, (height, width) = self.frame.own_pixels, image.shape[:2]
        return [
            place(value, height, width) if name == BOXES else value
            for name, value in zip(names, values, strict=True)
        ]
