"""Which columns of a table hold boxes, and its rows, of whatever kind the table is."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ....errors import ConvlensError, require
from ...source import is_picture_name
from ...tables.columns import INDEX, Columns, find_columns
from ...tables.parquet import image_column, records
from ...tables.rows import Record
from ...tables.text import DELIMITERS, HEAD, is_remark, json_records, opened, reader

LAYOUTS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("xmin", "ymin", "xmax", "ymax"): ("xyxy",),
    ("minx", "miny", "maxx", "maxy"): ("xyxy",),
    ("x1", "y1", "x2", "y2"): ("xyxy",),
    ("x0", "y0", "x1", "y1"): ("xyxy",),
    ("left", "top", "right", "bottom"): ("xyxy",),
    **{
        (*first, *second): meant
        for second in (("w", "h"), ("width", "height"))
        for first, meant in {
            ("xcenter", "ycenter"): ("cxcywh",),
            ("centerx", "centery"): ("cxcywh",),
            ("cx", "cy"): ("cxcywh",),
            ("xc", "yc"): ("cxcywh",),
            ("xmin", "ymin"): ("xywh",),
            ("left", "top"): ("xywh",),
            ("x", "y"): ("xywh", "cxcywh"),
        }.items()
    },
}
"""Names of four columns, without signs and in lower case, and what they may mean."""
LISTS = ("bbox", "bboxes", "box", "boxes", "boundingbox", "boundingboxes", "objects")
"""Names of one column with all of it."""
LABELS = (
    *("classname", "labelname", "categoryname"),
    *("label", "labels", "class", "classes", "category", "categories", "target"),
    *("cls", "name"),
    *("classid", "categoryid", "labelid"),  # numbers, which text beside them explains
)
"""Names of one column, or of a list beside boxes, with their classes, the preferred one first."""
SIZES = (("width", "height"), ("imagewidth", "imageheight"), ("imgwidth", "imgheight"))
ANY = ("xyxy", "xywh", "cxcywh")


@dataclass(frozen=True)
class Layout:
    """Which columns hold boxes: four, or one with lists; and what their numbers may mean.

    `unused` are the columns of which nothing is read.
    """

    four: tuple[str, ...]
    whole: str | None
    corners: tuple[str, ...]
    size: tuple[str, ...]
    columns: Columns
    unused: tuple[str, ...]


def _layout(path: Path, names: Sequence[str], classes: tuple[str, ...] = ()) -> Layout | None:
    """Which columns are for boxes; None where none are."""
    own_names = {plain_name(name): name for name in reversed(names)}
    prefixed = {re.sub(r"^b?box(?=.)", "", key): name for key, name in own_names.items()}
    plain = own_names | {k: name for k, name in prefixed.items() if plain_name(name) != k}
    four = next((keys for keys in LAYOUTS if all(key in plain for key in keys)), None)
    whole = next((plain[key] for key in LISTS if key in plain), None)
    if four is None and whole is None:
        return None
    own = [plain[key] for key in four or ()]
    size = next(
        (s for s in SIZES if all(k in own_names and own_names[k] not in own for k in s)), ()
    )
    others = [name for name in names if name not in own]
    columns = find_columns(path, others)
    free = {key: name for key, name in own_names.items() if name != columns.roles.get("path")}
    columns = find_columns(path, others, label=next((free[k] for k in LABELS if k in free), None))
    columns = Columns(columns.roles, columns.flags, one_hot=(), classes=classes)
    used = {whole, *columns.roles.values(), *columns.flags, *(own_names[key] for key in size)}
    return Layout(
        tuple(own),
        None if four else whole,
        LAYOUTS[four] if four else ANY,
        tuple(own_names[key] for key in size),
        columns,
        tuple(name for name in others if name not in used and not INDEX.fullmatch(name.strip())),
    )


def records_of(path: Path) -> tuple[Layout, Iterator[Record]] | None:
    """The layout of a table and its rows; None where it has no boxes."""
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if is_parquet:
        return _parquet(path)
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        records = _json_rows(path)
        first = next(records, None)
        layout = _layout(path, list(first[1])) if first else None
        if first is None or layout is None or "path" not in layout.columns.roles:
            return None
        return layout, chain([first], records)
    return _csv(path)


def _json_rows(path: Path) -> Iterator[Record]:
    with opened(path) as file:
        yield from json_records(path, file)


def _csv(path: Path) -> tuple[Layout, Iterator[Record]] | None:
    with opened(path) as file:
        head = list(islice(file, HEAD))
    for delimiter in DELIMITERS:
        lines = list(reader(head, delimiter))
        for above, names in enumerate(lines):
            layout = _layout(path, names)
            if layout is not None and "path" in layout.columns.roles:
                return layout, _csv_rows(path, delimiter, names, above=above + 1)
        first: list[str] = next((cells for cells in lines if not is_remark(cells)), [])
        if (
            len(first) == 6
            and is_picture_name(first[0])
            and (four_numbers(first[1:5]) or not any(first[1:]))
        ):
            names = ["path", "x1", "y1", "x2", "y2", "label"]  # as keras-retinanet reads it
            layout = _layout(path, names)
            return None if layout is None else (layout, _csv_rows(path, delimiter, names, above=0))
    return None


def _csv_rows(path: Path, delimiter: str, names: Sequence[str], *, above: int) -> Iterator[Record]:
    with opened(path) as file:
        rows = reader(file, delimiter, strict=True)
        for number, cells in enumerate(rows):
            if number >= above and not is_remark(cells):
                if any(cells[len(names) :]):
                    raise ConvlensError(
                        f"{path}, line {rows.line_num}: has more cells than there are columns: "
                        "quote them"
                    )
                yield f"{path}, line {rows.line_num}", dict(zip(names, cells, strict=False)), None


def _parquet(path: Path) -> tuple[Layout, Iterator[Record]] | None:
    require("pyarrow", "tables", what=f"reading {path}")
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise ConvlensError(f"{path}: not a readable Parquet table: {error}") from error
    schema = file.schema_arrow
    image = image_column(schema)
    names = [name for name in schema.names if name != image]
    layout = _layout(path, names, _class_names(schema.metadata))
    if layout is None or (image is None and "path" not in layout.columns.roles):
        return None
    return layout, records(path, file, names, image=image)


def _class_names(metadata: Mapping[bytes, bytes] | None) -> tuple[str, ...]:
    """The names that whole numbers stand for, as `datasets` writes them, if it is one list."""
    found: list[tuple[str, ...]] = []

    def look(value: Any) -> None:
        if isinstance(value, dict) and value.get("_type") == "ClassLabel":
            found.append(tuple(map(str, value.get("names", ()))))
        for inner in value.values() if isinstance(value, dict) else []:
            look(inner)

    try:
        look(json.loads((metadata or {}).get(b"huggingface", b"{}")))
    except (ValueError, RecursionError):
        return ()
    return found[0] if len(found) == 1 else ()


def number_of(value: Any) -> float | None:
    """A finite number; None of anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def four_numbers(values: Any) -> list[float] | None:
    """Four finite numbers; None of anything else."""
    try:
        numbers = [number for value in values if (number := number_of(value)) is not None]
    except TypeError:
        return None
    return numbers if len(numbers) == len(values) == 4 else None


def plain_name(name: str) -> str:
    """The name of a column without signs and in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
