"""Small squares cut from the edges of pictures: where a class for nothing learns from."""

import io
import os
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..decode import decode
from ..source import FileSource, Source, content_hash

SMALLEST, LARGEST = 0.15, 0.35
"""A crop's side, as a share of the picture's shorter one."""
SUFFIX = "#part"
"""After a picture's name."""


@dataclass(frozen=True, slots=True)
class CropSource:
    """A square at the edge of a picture; which one follows from the picture's bytes."""

    picture: Source

    @property
    def name(self) -> str:
        """The picture's name and `#part`."""
        return self.picture.name + SUFFIX

    def read(self) -> bytes:
        """The crop as PNG. Raises `PictureError`."""
        data = self.picture.read()
        pixels = decode(data)
        random = np.random.default_rng(list(content_hash(data)))
        height, width = pixels.shape[:2]
        side = max(1, round(random.uniform(SMALLEST, LARGEST) * min(height, width)))
        down, across = height - side, width - side
        along = random.uniform()
        top, left = [
            (0, round(along * across)),
            (down, round(along * across)),
            (round(along * down), 0),
            (round(along * down), across),
        ][random.integers(4)]
        crop = pixels[top : top + side, left : left + side]
        encoded = io.BytesIO()
        Image.fromarray(crop).save(encoded, "PNG", compress_level=1)
        return encoded.getvalue()

    def stamp(self) -> str:
        """The picture's."""
        return self.picture.stamp() + SUFFIX


def source_of(path: str) -> Source:
    """The file at a path, or, where a table that convlens wrote names one, a crop of it."""
    if path.endswith(SUFFIX) and not os.path.lexists(path):
        return CropSource(FileSource(path.removesuffix(SUFFIX)))
    return FileSource(path)
