"""Reading pictures with boxes, in whatever form they are."""

from dataclasses import replace
from pathlib import Path

from ...errors import ConvlensError
from ...progress import Progress
from ..catalog import listed
from .boxes import BoxCatalog
from .reading import reading_of
from .recognise import recognise
from .settle import settle


def read_boxes(
    pictures: str | Path, *, boxes: str | None = None, progress: Progress = lambda *_: None
) -> BoxCatalog | None:
    """Read pictures with boxes; None where a data set has no boxes.

    COCO's JSON, YOLO's folders, Pascal VOC's XML, tables with columns for boxes, and shards are
    recognised. Each picture's head is read, so that boxes are in pixels of the picture as it is
    seen. What is wrong is mended or left out, and stands in `faults` and `skipped`.

    Args:
        pictures: A folder, a JSON, a `data.yaml`, a table, or shards.
        boxes: Words that settle what the data leaves open, such as `yolo` or `table,xywh`: see
            `WORDS`.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        One row per picture that can be read, with its boxes.

    Raises:
        UsageError: A word of `boxes` is none, or contradicts another.
        ConvlensError: Something can be meant in two ways, and the words that settle it are named;
            or there is no picture with labels.

    Examples:
        >>> catalog = read_boxes("street/")  # doctest: +SKIP
        >>> catalog.boxes[0].xyxy, catalog.classes  # doctest: +SKIP
        (array([[ 79.,  21., 228., 311.]]), ('person',))
    """
    reading = reading_of(boxes)
    reader = recognise(pictures, reading)
    if reader is None:
        return None
    raw = reader()
    if reading.corners:
        raw = replace(raw, corners=(reading.corners,))
    if not raw.pictures:
        raise ConvlensError(
            f"{pictures} has boxes ({raw.form}) of no picture that is there{listed(raw.skipped)}"
        )
    catalog = settle(raw, reading, progress=progress)
    if not len(catalog):
        raise ConvlensError(
            f"none of the {len(raw.pictures):,} files that {pictures} has boxes of is a picture"
            f"{listed(catalog.skipped)}"
        )
    return catalog
