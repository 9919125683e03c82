"""`convlens predict`: answers for files, folders, patterns, lists of pictures, and shards."""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..pictures.folder import files_below
from ..pictures.shards.find import find_shards
from ..pictures.shards.stream import Stream
from ..pictures.shards.tar import samples
from ..pictures.source import BytesSource, FileSource, Source
from .detector import Detector, Prediction

Share = tuple[int, int]
"""(k, n): part k, from 0, of n that together are the whole."""


def find_pictures(paths: Iterable[str | Path]) -> Iterator[FileSource]:
    """Each file; each file below a folder; each file that a pattern such as `*.jpg` matches.

    A path that is nothing of the kind is passed on, so that it becomes a row with its error.
    """
    for path in paths:
        text = str(path)
        if Path(text).is_dir():
            yield from map(FileSource, files_below(Path(text)))
        elif not Path(text).exists() and glob.has_magic(text):
            matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207
            files = [match for match in matches if not Path(match).is_dir()]
            yield from map(FileSource, files or [text])
        else:
            yield FileSource(text)


def pictures_in(shard: str) -> Iterator[BytesSource]:
    """The pictures of a shard as one stream. Raises `ConvlensError` where it is damaged."""
    with Stream(shard) as stream:
        for sample in samples(stream):
            yield BytesSource(f"{shard}#{sample.picture.name}", sample.picture.data)


def find_units(paths: Iterable[str | Path]) -> Iterator[FileSource | str]:
    """What is not divided among several processes: a file, or a shard's place."""
    for path in paths:
        shards = find_shards(path)
        if shards is None:
            yield from find_pictures([path])
        else:
            yield from (place for place, _ in shards)


def _shared(paths: Iterable[str | Path], share: Share) -> Iterator[Source]:
    number, count = share
    for place, unit in enumerate(find_units(paths)):
        if place % count == number:
            yield from pictures_in(unit) if isinstance(unit, str) else (unit,)


def predict(
    detector: str | Path | Detector,
    paths: str | Path | Iterable[str | Path],
    *,
    share: Share = (0, 1),
) -> Iterator[Prediction]:
    """Predictions for pictures, one by one, in order; unreadable ones carry their error.

    `paths` is a file, folder or pattern, shards (a folder, pattern or address of `.tar` files), or
    several of them. With `share` (k, n) it is part k of n, from 0: whole shards, and every n-th
    file. Raises `ConvlensError` where the detector or a shard cannot be read.
    """
    detector = detector if isinstance(detector, Detector) else Detector(detector)
    several = [paths] if isinstance(paths, str | Path) else paths
    return detector.predict(_shared(several, share))
