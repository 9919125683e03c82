"""Tables with columns for boxes: a row for each box, or a row for each picture with lists."""

import contextlib
import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....errors import ConvlensError
from ....files import saying_where
from ...label import normal_label
from ...source import ENDINGS, CellSource, FileSource, Source
from ...split_name import split_named, split_of
from ...tables.columns import label_of, no_column, text_of
from ..boxes import Fault
from ..places import FileIndex, files_of, split_below, tops
from ..raw import RawPicture, RawSet
from .table_columns import (
    ANY,
    LABELS,
    LISTS,
    Layout,
    four_numbers,
    number_of,
    plain_name,
    records_of,
)

KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
MARKS = ("crowd", "difficult")
"""Columns of a run's manifest that say with 1 what a box is of."""
AREA = "annotated_area"
"""Its column with areas that annotations say, in pixels."""
ONLY = "object"
"""The class of every box in a table without a column for it."""
NUMBER = re.compile(r"\d+(\.0+)?")
"""A class that is only numbered, as pandas writes it too where the cell of another row is empty."""


def find(path: Path) -> list[Path]:
    """The tables of this form at a path, or in a folder; none where it is something else."""
    if path.is_file():
        known = path.suffix.lower() in (*KINDS, ".txt")
        return [path] if known and _has_boxes(path) else []
    folders = [*tops(path), path / "data"]
    return [f for folder in folders for f in files_of(folder, *KINDS) if _has_boxes(f)]


def _has_boxes(path: Path) -> bool:
    try:
        return records_of(path) is not None
    except (ConvlensError, OSError, csv.Error):
        return False


def read(path: Path, files: Sequence[Path]) -> RawSet:
    """Read the tables. Raises `ConvlensError`, naming file and line."""
    root = path if path.is_dir() else path.parent
    raw = RawSet(form="table", root=root, unit="row", units=None, corners=ANY, origin="from0")
    index = FileIndex.below(root, ENDINGS)
    pictures: dict[str, RawPicture] = {}
    for file in files:
        for text in _paths(file):
            index.keep(index.exact(text, [root]), text)
    for file in files:
        with saying_where(file, "read"):
            found = records_of(file)
        if found is None:
            raise ConvlensError(f"{file} has no columns for boxes, such as xmin, ymin, xmax, ymax")
        layout, records = found
        raw.corners = layout.corners
        raw.unit = "row" if file.suffix.lower() == ".parquet" else "line"
        missing: dict[str, None] = {}
        try:
            for where, cells, given in records:
                place = int(where.rpartition(" ")[2])
                text = layout.columns.of_role("path", cells)
                said = split_named(layout.columns.of_role("split", cells))
                source = given or _source(text, missing, index=index, pictures=pictures, split=said)
                if source is None:
                    reason = "is not there" if text.strip() else "has no path"
                    raw.skip(f"{where}: {text}" if text else where, reason)
                    continue
                picture = pictures.get(source.name)
                if picture is None:
                    split = layout.columns.split(cells, where) or split_of(file.name)
                    picture = pictures[source.name] = RawPicture(
                        source=source,
                        file=str(file),
                        split=split or split_below(root, source.name),
                        group=layout.columns.of_role("group", cells) or None,
                        size=_size(cells, layout),
                    )
                _add(picture, place, cells, layout=layout, raw=raw, where=where)
        except csv.Error as error:
            raise ConvlensError(f"{file}: not readable as CSV: {error}") from error
        unused = [name for name in layout.unused if name not in (*MARKS, AREA)]
        if unused and ONLY in raw.classes and "label" not in layout.columns.roles:
            what = no_column(file, "label", names=unused)
            raw.remarks.append(f"{what}; as it is, none is read, and each box is an {ONLY!r}")
    raw.pictures = [picture for picture in pictures.values() if picture.split != "excluded"]
    known = {picture.source.name for picture in raw.pictures}
    if not any(isinstance(picture.source, CellSource) for picture in raw.pictures):
        for name in index.paths:
            if name not in known:
                raw.skip(name, "is not named in the table")
    raw.sort_classes()
    return raw


def _paths(file: Path) -> set[str]:
    """All that a table calls pictures; what cannot be read of it is told when it is read."""
    with contextlib.suppress(ConvlensError, OSError, csv.Error):
        found = records_of(file)
        if found is not None:
            layout, records = found
            of_role = layout.columns.of_role
            return {of_role("path", cells) for _, cells, given in records if given is None}
    return set()


def _source(
    text: str,
    missing: dict[str, None],
    *,
    index: FileIndex,
    pictures: Mapping[str, RawPicture],
    split: str | None,
) -> Source | None:
    """The picture that a row names; each name is looked for once."""
    if not text.strip() or text in missing:
        return None
    as_written = str(index.root / text)
    found = as_written if as_written in pictures else index.find(text, [index.root], split=split)
    found = found or index.find(text, split=split, stem=True)  # with no ending
    if found is None:
        missing[text] = None
        return None
    return FileSource(found)


def _size(cells: Mapping[str, Any], layout: Layout) -> tuple[int, int] | None:
    try:
        width, height = (int(float(text_of(cells.get(name)))) for name in layout.size)
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def _add(
    picture: RawPicture,
    place: int,
    cells: Mapping[str, Any],
    *,
    layout: Layout,
    raw: RawSet,
    where: str,
) -> None:
    """Append the boxes of a row."""
    if layout.whole is None:
        texts = [text_of(cells.get(name)).strip() for name in layout.four]
        if not any(texts):  # a picture without objects
            return
        pairs: list[tuple[Any, Any]] = [(texts, _label(cells, layout))]
    else:
        pairs = list(_pairs(cells.get(layout.whole), cells, layout))
    for box, label in pairs:
        numbers = four_numbers(box)
        if numbers is None:
            raw.leave_out(picture, place, f"its box is {box!r}, not four numbers")
            continue
        name = label_of(label, where=where, classes=layout.columns.classes)
        shown = normal_label(name)
        if not shown:
            raw.leave_out(picture, place, "has no label")
            continue
        if shown not in raw.classes and NUMBER.fullmatch(shown) and not layout.columns.classes:
            raw.faults.append(Fault("unnamed", where, f"class {shown} has no name"))
        crowd, difficult = (text_of(cells.get(role)).strip() in {"1", "1.0"} for role in MARKS)
        area = number_of(cells.get(AREA))
        picture.add(
            place,
            raw.name_class(name),
            numbers,
            crowd=crowd,
            difficult=difficult,
            extras=None if area is None else {"area": area},
        )


def _label(cells: Mapping[str, Any], layout: Layout) -> Any:
    name = layout.columns.roles.get("label")
    return ONLY if name is None else cells.get(name)


def _pairs(cell: Any, cells: Mapping[str, Any], layout: Layout) -> Iterator[tuple[Any, Any]]:
    """Boxes with their labels, out of a cell with lists."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell) if cell.strip() else None
        except ValueError:
            numbers = re.findall(r"-?[\d.]+(?:e-?\d+)?", cell)
            cell = numbers if len(numbers) == 4 else [cell]
    labels = _label(cells, layout)
    if isinstance(cell, dict):
        boxes = next((v for k, v in cell.items() if plain_name(k) in LISTS), None)
        named = {plain_name(k): v for k, v in cell.items()}
        labels = next((named[key] for key in LABELS if key in named), labels)
        cell = boxes
    if isinstance(cell, list) and cell and isinstance(cell[0], dict):
        for one in cell:
            yield from _pairs(one, cells, layout)
        return
    if not cell:
        return
    if not isinstance(cell, list | tuple):
        cell = [[cell]]
    boxes = cell if isinstance(cell[0], list | tuple) or not four_numbers(cell) else [cell]
    several = isinstance(labels, list) and len(labels) == len(boxes)
    yield from zip(boxes, labels if several else [labels] * len(boxes), strict=True)
