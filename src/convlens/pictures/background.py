"""A class for what is none of the others: other pictures, and parts that hold little of an object.

Softmax over cat and dog has no answer for a wall. So that a detector can say "neither", it learns
from pictures of other things, and from small pieces at the edges of the labelled pictures.
"""

from dataclasses import replace
from pathlib import Path

from ..errors import UsageError
from .catalog import Catalog
from .crops import CropSource
from .folder import files_below
from .source import FileSource, Source

BACKGROUND = "background"
PARTS = "parts"
"""Instead of a folder: parts alone."""


def with_background(catalog: Catalog, asked: str) -> Catalog:
    """The same table with a class `background`.

    It gets every picture below the folder that was `asked` for (none for `parts`), and parts of as
    many labelled pictures as a class has on average, each in the split of the picture that it was
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
        *(CropSource(catalog.sources[row]) for row in cut),
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
