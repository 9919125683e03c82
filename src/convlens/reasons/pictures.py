"""Pictures for the page: maps as grey pixels, rows of small pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..drawing.thumbnails import data_uri, png

Pixels = npt.NDArray[np.uint8]


def brightness_map(map_HW: Any) -> Pixels:
    """A map [H, W] as a grey picture [H, W, 3]: its lowest value black, its highest white."""
    values = np.asarray(map_HW, np.float64)
    low, high = values.min(), values.max()
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    grey = (255 * scaled).round().astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, 2)


def picture_markup(pixels_HWC: Pixels, width: int) -> str:
    """An `img` of that width in pixels on the page."""
    url = data_uri(png(Image.fromarray(pixels_HWC)))
    return f'<img class="pixels" src="{url}" alt="" width="{width}">'


def row_markup(pictures: Sequence[Pixels], width: int) -> str:
    """Pictures beside each other, each of that width."""
    images = "".join(picture_markup(picture, width) for picture in pictures)
    return f'<div class="row">{images}</div>'
