"""One frame of what moves."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ConvlensError
from ..decode import RGB
from ..formats.opening import MAX_PIXELS


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a stream, or, with an `error`, word of what went wrong there."""

    name: str
    """The file, camera or address, without a password that is in it."""
    seconds: float
    """In a file from its beginning; else since the stream was opened."""
    image: RGB | None = None
    """Upright uint8 RGB [height, width, 3]."""
    error: str | None = None


def upright(frame: Any) -> RGB:
    """The pixels of a frame as PyAV has it, turned as its file says.

    Raises `ConvlensError` where they are too many.
    """
    if frame.width * frame.height > MAX_PIXELS:
        raise ConvlensError(f"frames of {frame.width}×{frame.height} pixels are too large")
    pixels = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
