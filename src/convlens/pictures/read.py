"""Reading a data set's table, whatever it is: folders, tables, shards; classes or boxes."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import ConvlensError
from ..files import exists, given_path
from ..progress import Progress
from .boxes.boxes import BoxCatalog
from .boxes.read import read_boxes
from .boxes.reading import Reading
from .boxes.recognise import recognise
from .catalog import Catalog, listed
from .folder import (
    TABLE_BESIDE,
    Rows,
    folders_in,
    remarks_on_folders,
    scan_classes,
    scan_splits,
)
from .label import remarks_about
from .shards.find import beside_shards, find_shards
from .shards.read import read_shards
from .tables.read import read_table, scan_tables


def read_pictures(
    pictures: str | Path, *, boxes: str | None = None, progress: Progress = lambda *_: None
) -> Catalog | BoxCatalog:
    """Read pictures with boxes as `read_boxes` does, and others as `read_catalog` does."""
    return read_boxes(pictures, boxes=boxes, progress=progress) or read_catalog(pictures)


def _read_folder(folder: Path) -> Rows:
    for scan in (scan_tables, scan_splits):
        rows = scan(folder)
        if rows is not None:
            return rows
    rows = scan_classes(folder)
    rows.remarks += remarks_on_folders(folders_in(folder))
    return rows


def read_catalog(pictures: str | Path | Sequence[str | Path]) -> Catalog:
    """Read a data set's table; the pictures themselves stay unopened.

    `pictures` is a folder with one folder per class, a folder with `train`, `val` (or `valid`,
    `validation`) and `test` that hold such folders, a table (CSV, JSON Lines, Parquet) or a folder
    with one, or shards: a folder of `.tar` files, a pattern such as `train-{000..127}.tar`, or the
    URL of either.
    Raises `ConvlensError` where there is nothing to label, or pictures have boxes.
    """
    if not isinstance(pictures, str | Path):
        raise ConvlensError("give one folder or one table of pictures")
    path = given_path(pictures)
    if recognise(pictures, Reading()) is not None:
        raise ConvlensError(
            f"{pictures} has pictures with boxes, which 'convlens train', 'inspect', 'convert' and "
            "'shard' read, and a detector of boxes; here pictures are of one class each"
        )
    shards = find_shards(pictures)
    if shards is None and not exists(path):
        raise ConvlensError(f"there is no {path}: give a folder of pictures or a table of them")
    if shards is not None:
        rows = read_shards(shards)
        for name in beside_shards(pictures, rows.skip):
            rows.skip(name, "lies beside shards, so it has no label")
    else:
        rows = read_table(path) if path.is_file() else _read_folder(path)
    if not rows.sources:
        tables = [name for name, reason in rows.skipped if reason == TABLE_BESIDE]
        if tables:
            raise ConvlensError(
                f"no labelled pictures in {pictures}: give the table {tables[0]} instead of the "
                "folder, if it says what they are"
            )
        if path.is_file() and shards is None:
            raise ConvlensError(
                f"no labelled pictures in {pictures}: a row has a path and a label"
                f"{listed(rows.skipped)}"
            )
        raise ConvlensError(
            f"no labelled pictures in {pictures}: put each class's pictures into a folder of its "
            f"own, such as {path}/cat/1.jpg and {path}/dog/2.jpg{listed(rows.skipped)}"
        )
    return Catalog(
        path.absolute() if path.is_dir() else path.absolute().parent,
        tuple(rows.sources),
        labels=tuple(rows.labels),
        splits=tuple(rows.splits),
        groups=tuple(rows.groups),
        skipped=tuple(rows.skipped),
        remarks=(*remarks_about(rows.spellings), *rows.remarks),
    )
