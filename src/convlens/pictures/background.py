"""A class for what is none of the others: other pictures, and parts that hold little of an object.

Softmax over cat and dog has no answer for a wall. So that a detector can say "neither", it learns
from pictures of other things, and from small pieces at the edges of the labelled pictures.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import UsageError
from .catalog import Catalog
from .decode import decode
from .folder import files_below
from .source import FileSource, Source, content_hash

BACKGROUND = "background"
PARTS = "parts"
"""Instead of a folder: parts alone."""
LEAST, MOST = 0.15, 0.35
"""A part's side, as a share of the picture's shorter one."""


@dataclass(frozen=True, slots=True)
class PartSource:
    """A square at the edge of a picture; which one follows from the picture's bytes."""

    whole: Source

    @property
    def name(self) -> str:
        """The picture's name and `#part`."""
        return f"{self.whole.name}#part"

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
        return f"{self.whole.stamp()}#part"


def with_background(catalog: Catalog, asked: str) -> Catalog:
    """The same table with a class `background`.

    It gets every picture below the folder that was `asked` for (none for `parts`), and parts of as
    many labelled pictures as a class has on average, each on the side of the picture that it was
    cut from. Raises `UsageError` where there is no such folder, or the class is there already.
    """
    if BACKGROUND in catalog.labels:
        raise UsageError(f"--background: there is a class {BACKGROUND!r} already: leave one out")
    others: list[str] = []
    if asked != PARTS:
        folder = Path(asked).expanduser()
        if not folder.is_dir():
            raise UsageError(
                f"--background {asked}: there is no such folder; give one with pictures of other "
                f"things, or '{PARTS}' for parts of the labelled pictures alone"
            )
        others = list(files_below(folder))
        if not others:
            raise UsageError(f"--background {asked}: there is nothing in that folder")
    step = len(catalog.classes)
    cut = range(0, len(catalog), step)
    groups = list(catalog.groups)
    for row in cut:
        groups[row] = groups[row] or catalog.names[row]
    added: tuple[Source, ...] = (
        *map(FileSource, others),
        *(PartSource(catalog.sources[row]) for row in cut),
    )
    return replace(
        catalog,
        sources=catalog.sources + added,
        labels=catalog.labels + (BACKGROUND,) * len(added),
        splits=catalog.splits
        + (("train",) if any(catalog.splits) else (None,)) * len(others)
        + tuple(catalog.splits[row] for row in cut),
        groups=(*groups, *(None for _ in others), *(groups[row] for row in cut)),
    )
