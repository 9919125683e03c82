"""What a graph takes that leaves the resize to its caller."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...pictures.decode import RGB
from ...pictures.resize import Resizer


@dataclass(frozen=True)
class InputForm:
    """Pictures of `side` × `side` pixels, levels 0 to 255 in RGB.

    `batch` is 1, or N for any number; `dtype` is uint8, or float32 with the same numbers; `layout`
    is NHWC or NCHW.
    """

    side: int
    batch: str = "1"
    dtype: str = "uint8"
    layout: str = "NHWC"

    @classmethod
    def from_json(cls, text: str) -> "InputForm":
        """As `as_json` wrote it."""
        return cls(**json.loads(text))

    def as_json(self) -> str:
        """For the metadata."""
        return json.dumps(asdict(self))

    @property
    def shape(self) -> list[int | str]:
        """Of the input; the batch's name where it is any number."""
        batch: int | str = 1 if self.batch == "1" else "batch"
        side = self.side
        return [batch, 3, side, side] if self.layout == "NCHW" else [batch, side, side, 3]

    @cached_property
    def _resize(self) -> Resizer:
        return Resizer(self.side)

    def prepare(self, image: RGB) -> npt.NDArray[Any]:
        """Upright RGB [height, width, 3] of any size as a batch of one."""
        pixels = self._resize(image)
        if self.layout == "NCHW":
            pixels = pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(pixels[None], np.dtype(self.dtype))
