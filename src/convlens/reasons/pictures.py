"""Pictures for the page: maps as grey pixels, rows of small pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..report.thumbnails import data_uri, png

Pixels = npt.NDArray[np.uint8]


def brightness_map(map_HW: Any) -> Pixels:
    """A map as a grey picture [H, W, 3]: its own range to 0 to 255."""
    values = np.asarray(map_HW, np.float64)
    low, high = values.min(), values.max()
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    grey = (255 * scaled).round().astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, 2)


def picture_markup(pixels_HWC: Pixels, side: int) -> str:
    """An `img` whose pixels stay square, its longer side so many pixels on the page."""
    address = data_uri(png(Image.fromarray(pixels_HWC)))
    return f'<img class="pixels" src="{address}" alt="" width="{side}">'


def row_markup(pictures: Sequence[Pixels], side: int) -> str:
    """Pictures beside each other."""
    inside = "".join(picture_markup(one, side) for one in pictures)
    return f'<div class="row">{inside}</div>'
