"""Small squares cut from the edges of pictures: where a class for nothing learns from."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .decode import decode
from .source import FileSource, Source, content_hash

LEAST, MOST = 0.15, 0.35
"""A part's side, as a share of the picture's shorter one."""
MARK = "#part"
"""After a picture's name."""


@dataclass(frozen=True, slots=True)
class CropSource:
    """A square at the edge of a picture; which one follows from the picture's bytes."""

    whole: Source

    @property
    def name(self) -> str:
        """The picture's name and `#part`."""
        return self.whole.name + MARK

    def read(self) -> bytes:
        """The part as PNG. Raises `PictureError`."""
        data = self.whole.read()
        pixels = decode(data)
        random = np.random.default_rng(list(content_hash(data)))
        height, width = pixels.shape[:2]
        side = max(1, round(random.uniform(LEAST, MOST) * min(height, width)))
        down, across = height - side, width - side
        along = random.uniform()
        top, left = [
            (0, round(along * across)),
            (down, round(along * across)),
            (round(along * down), 0),
            (round(along * down), across),
        ][random.integers(4)]
        out = io.BytesIO()
        part = pixels[top : top + side, left : left + side]
        Image.fromarray(part).save(out, "PNG", compress_level=1)
        return out.getvalue()

    def stamp(self) -> str:
        """The picture's."""
        return self.whole.stamp() + MARK


def source_of(path: str) -> Source:
    """The file at a path, or, where a table that convlens wrote names one, a part of it."""
    whole = FileSource(path.removesuffix(MARK))
    return CropSource(whole) if path.endswith(MARK) else whole
