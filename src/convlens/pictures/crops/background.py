"""A class for what is none of the others: other pictures, and crops that hold little of an object.

Softmax over cat and dog has no answer for a wall. So that a detector can say "neither", it learns
from pictures of other things, and from small pieces at the edges of the labelled pictures.
"""

from dataclasses import replace

from ...errors import UsageError
from ...files import given_path, is_folder
from ..catalog import Catalog
from ..folder import files_below
from ..source import FileSource, Source
from .crops import CropSource

BACKGROUND = "background"
CROPS_ONLY = "parts"
"""Instead of a folder: crops of the labelled pictures alone."""


def with_background(catalog: Catalog, background: str) -> Catalog:
    """The same table with a class `background`.

    It gets every picture below the folder `background` (none for `parts`), and crops of as many
    labelled pictures as a class has on average, each in the split of the picture that it was cut
    from. Raises `UsageError` where there is no such folder, or the class is there already.
    """
    if BACKGROUND in catalog.labels:
        raise UsageError(f"--background: there is a class {BACKGROUND!r} already: leave one out")
    paths: list[str] = []
    skipped = list(catalog.skipped)
    if background != CROPS_ONLY:
        folder = given_path(background)
        if not is_folder(folder):
            raise UsageError(
                f"--background {background}: there is no such folder; give one with pictures of "
                f"other things, or '{CROPS_ONLY}' for parts of the labelled pictures alone"
            )
        paths = list(files_below(folder, lambda *name_and_reason: skipped.append(name_and_reason)))
        if not paths:
            raise UsageError(f"--background {background}: there is nothing in that folder")
    step = len(catalog.classes)
    cropped_rows = range(0, len(catalog), step)
    groups = list(catalog.groups)
    for row in cropped_rows:
        groups[row] = groups[row] or catalog.names[row]
    added: tuple[Source, ...] = (
        *map(FileSource, paths),
        *(CropSource(catalog.sources[row]) for row in cropped_rows),
    )
    return replace(
        catalog,
        sources=catalog.sources + added,
        skipped=tuple(skipped),
        labels=catalog.labels + (BACKGROUND,) * len(added),
        splits=catalog.splits
        + (("train",) if any(catalog.splits) else (None,)) * len(paths)
        + tuple(catalog.splits[row] for row in cropped_rows),
        groups=(*groups, *(None for _ in paths), *(groups[row] for row in cropped_rows)),
    )
