"""Pictures of all shapes, by which two computations are compared."""

import numpy as np
from PIL import Image

from ..dataset.random import generator
from ..pictures.decode import RGB


def of_mixed_size(image: RGB, number: int, *, side: int, seed: int, least: int = 8) -> RGB:
    """A picture as it is, or, of every other number, brought to a random size.

    Height and width are drawn by the seed and the number, from `least` pixels to three times the
    side that a network sees.
    """
    if number % 2 == 0:
        return image
    height, width = generator(seed, "parity", number).integers(least, 3 * side, 2).tolist()
    return np.asarray(Image.fromarray(image).resize((width, height)))
