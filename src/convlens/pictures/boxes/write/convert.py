"""`convlens convert`: the same pictures and boxes in the form of another program."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType

from ....errors import ConvlensError, UsageError
from ....files import check_unused, given_path, saying_where
from ....parallel import in_order
from ....progress import Progress
from ....windows import file_name
from ...formats.opening import file_ending
from ...shards.read import streamed
from ...source import Source, is_picture_name
from ..boxes import BoxCatalog, Fault
from ..read import read_boxes
from . import coco, voc, yolo

FORMS: dict[str, ModuleType] = {"coco": coco, "yolo": yolo, "voc": voc}
"""Each has `place`, the folder for pictures of a split, and `write`, which adds the labels."""


@dataclass(frozen=True)
class Converted:
    """What was written. `lost` counts, by name, what the form cannot carry or nothing can move."""

    folder: Path
    _: KW_ONLY
    pictures: int
    boxes: int
    lost: dict[str, int]
    skipped: tuple[tuple[str, str], ...]
    faults: tuple[Fault, ...]


def convert(
    pictures: str | Path,
    out: str | Path,
    *,
    to: str,
    boxes: str | None = None,
    progress: Progress = lambda *_: None,
) -> Converted:
    """Write pictures with boxes in the form of another program.

    The pictures' bytes stay as they are, and boxes are those of the picture as it is seen. Reading
    what was written gives the same boxes, but for what is `lost`.

    Args:
        pictures: Pictures with boxes, in any form that is read.
        out: The folder to make.
        to: `coco`, `yolo` or `voc`.
        boxes: Words that settle what the data leaves open, as for `inspect`.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        What was written, what was left out, and what the form cannot carry.

    Raises:
        UsageError: The folder holds something, or there is no such form.
        ConvlensError: There are no boxes, or the folder cannot be written.

    Examples:
        >>> import convlens
        >>> convlens.convert("street/", "street-yolo", to="yolo").boxes  # doctest: +SKIP
        304
    """
    if to not in FORMS:
        raise UsageError(f"--to {to}: it can be {', '.join(FORMS)}")
    folder = given_path(out)
    check_unused(folder)
    catalog = read_boxes(pictures, boxes=boxes, progress=progress)
    if catalog is None:
        raise ConvlensError(
            f"{pictures} has no boxes: COCO's JSON, YOLO's folders, Pascal VOC's XML, tables with "
            "columns such as xmin, ymin, xmax, ymax, and shards are read"
        )
    names = list(_names(catalog))
    form = FORMS[to]
    for row, data in enumerate(in_order(_read, streamed(catalog.sources))):
        names[row] += "" if is_picture_name(names[row]) else f".{file_ending(data)}"
        path = folder / form.place(catalog.splits[row]) / names[row]
        with saying_where(path, "write"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        progress("copying pictures", row + 1, len(catalog))
    lost = Counter(catalog.lost)
    form.write(catalog, names, folder, lost=lost)
    return Converted(
        folder,
        pictures=len(catalog),
        boxes=sum(map(len, catalog.boxes)),
        lost=dict(lost),
        skipped=catalog.skipped,
        faults=catalog.faults,
    )


def _read(source: Source) -> bytes:
    return source.read()


def _names(catalog: BoxCatalog) -> Iterator[str]:
    """A name for each picture's file, no two of them alike but for their ending."""
    stems: set[str] = set()
    for name, stem, ending in map(_stem, _given_names(catalog)):
        number, unique = 1, (stem := file_name(stem))
        while unique.casefold() in stems:
            folder = re.sub(r"\W+", "-", str(PurePosixPath(name).parent.name))
            unique = f"{folder}-{stem}" if number == 1 and folder else f"{stem}-{number}"
            number += 1
        stems.add(unique.casefold())
        yield unique + ending


def _given_names(catalog: BoxCatalog) -> Sequence[str]:
    told = (notes.get("file_name") for notes in catalog.notes)
    return [str(name or own) for name, own in zip(told, catalog.names, strict=True)]


def _stem(name: str) -> tuple[str, str, str]:
    """A name, its last part and its ending; of a table's row the number."""
    last = PurePosixPath(name.rpartition("#")[2] if not is_picture_name(name) else name)
    last = PurePosixPath(last.name)
    return name, last.stem if last.suffix else last.name.zfill(9), last.suffix
