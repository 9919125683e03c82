"""`convlens predict`: answers for files, folders, patterns and lists of pictures."""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..pictures.folder import files_below
from ..pictures.source import FileSource
from .detector import Detector, Prediction


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


def predict(
    detector: str | Path | Detector, paths: str | Path | Iterable[str | Path]
) -> Iterator[Prediction]:
    """Predictions for pictures, one by one, in order; unreadable ones carry their error.

    `paths` is a file, folder or pattern, or several of them. Raises `ConvlensError` where the
    detector cannot be read.
    """
    detector = detector if isinstance(detector, Detector) else Detector(detector)
    several = [paths] if isinstance(paths, str | Path) else paths
    return detector.predict(find_pictures(several))
