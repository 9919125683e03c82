"""`convlens suggest`: which unlabelled pictures would teach a detector most."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConvlensError, PictureError, require
from ..pictures.catalog import listed
from ..pictures.decode import decode
from ..pictures.duplicates.near_duplicates import perceptual_hash
from ..pictures.folder import PassedOver, ignore
from ..progress import Progress
from .detector import Detector, opened
from .inputs import find_files

if TYPE_CHECKING:
    from ..tasks.answers import Prediction

ALIKE = 10
"""A picture is passed over where its perceptual hash differs from a chosen one's in so many of 64
bits at most: two pictures of one burst teach hardly more than one."""


def suggest(
    detector: str | Path | Detector,
    paths: str | Path | Iterable[str | Path],
    *,
    count: int = 20,
    progress: Progress = lambda *_: None,
    passed_over: PassedOver = ignore,
) -> "list[Prediction]":
    """The pictures to label next, the most telling first: those that it can hardly decide.

    Of pictures that are nearly the same only one is named, and strange ones, unlike all that it
    learnt from, come after the others.

    Args:
        detector: A detector, its file, or its run folder.
        paths: Files, folders or patterns of unlabelled pictures.
        count: How many pictures to name.
        progress: Is told how many pictures are done, of how many.
        passed_over: Is told the name of a folder or file that is passed over, and why.

    Returns:
        Predictions for the pictures to label, at most `count`.

    Raises:
        ConvlensError: The detector or all the pictures cannot be read.

    Examples:
        >>> from convlens import suggest
        >>> len(suggest("runs/pictures", "photos/", count=1))
        1
    """
    require("imagehash", "train", what="suggesting pictures")
    detector = opened(detector)
    several = [paths] if isinstance(paths, str | Path) else paths
    sources = [file for path in several for file in find_files(path, passed_over)]
    ranked: list[tuple[bool, float, int, Prediction]] = []
    bad: list[tuple[str, str]] = []
    for row, prediction in enumerate(detector.predict_many(sources)):
        if prediction.error is not None:
            bad.append((prediction.name, f"cannot be read: {prediction.error}"))
            passed_over(*bad[-1])
        elif prediction.margin is not None:
            ranked.append((prediction.strange, prediction.margin, row, prediction))
        progress("looking at pictures", row + 1, len(sources))
    if not ranked:
        raise ConvlensError(f"there is no picture there that can be read{listed(bad)}")
    chosen: list[Prediction] = []
    hashes: list[int] = []
    for _, _, row, prediction in sorted(ranked, key=lambda entry: entry[:3]):
        if len(chosen) == count:
            break
        try:
            bits = int.from_bytes(perceptual_hash(decode(sources[row].read())).tobytes())
        except PictureError:  # gone meanwhile
            continue
        if all((bits ^ other).bit_count() > ALIKE for other in hashes):
            chosen.append(prediction)
            hashes.append(bits)
    return chosen
