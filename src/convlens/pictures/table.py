"""Tables of pictures: CSV with paths, Parquet with paths or with the images' bytes."""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConvlensError, require
from ..files import saying_where
from .crops.crops import source_of
from .folder import SPLIT_NAMES, Rows
from .label import from_windows, is_utf8, normal_label
from .source import BytesColumn, CellSource, Source

# The names under which people keep these columns, the preferred one first.
COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "filepath", "image_path", "image", "picture"),
    "bytes": ("bytes", "image_bytes", "image", "img", "picture"),
    "label": ("label", "class", "category", "target", "class_name"),
    "split": ("split", "set", "subset"),
    "group": ("group", "group_id"),
}


def _find(role: str, present: Sequence[str]) -> str | None:
    lowered = {name.strip().lower(): name for name in present}
    return next((lowered[name] for name in COLUMNS[role] if name in lowered), None)


def _missing(path: Path, role: str, *, present: Sequence[str]) -> ConvlensError:
    return ConvlensError(
        f"{path} has no column for the {role}: rename one of its columns "
        f"({', '.join(map(repr, present)) or 'it has none'}) to {COLUMNS[role][0]!r}"
    )


def read_table(path: Path) -> Rows:
    """Read a CSV (`.csv`, `.tsv`) or Parquet table. Raises `ConvlensError` naming file and line."""
    with saying_where(path, "read"), path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if is_parquet:
        return _read_parquet(path)
    if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
        return _read_csv(path)
    raise ConvlensError(
        f"{path} is neither a folder nor a table of pictures (CSV or Parquet); "
        "give the folder that holds one folder per class"
    )


def _add(
    rows: Rows, where: str, *, source: Source, label: Any, split: Any = None, group: Any = None
) -> None:
    name = "" if label is None else normal_label(str(label))
    if not name:
        rows.skipped.append((where, "has no label"))
        return
    split_name = "" if split is None else str(split).strip()
    if split_name == "excluded":
        rows.skipped.append((where, "is marked as excluded"))
        return
    if split_name and split_name.lower() not in SPLIT_NAMES:
        raise ConvlensError(
            f"{where}: the split is {split_name!r}; it can be 'train', 'val', 'test' or empty"
        )
    assigned = SPLIT_NAMES[split_name.lower()] if split_name else None
    rows.add(source, str(label), assigned, None if group in (None, "") else str(group))


def _located(folder: Path, text: str) -> str:
    """Where a table's picture is: as it is written, or else with the obvious repair, if any.

    Spaces around it, backslashes as Windows has them, and bytes of Windows-1252 are repaired.
    """
    path = str(folder / text)
    repaired = (from_windows(text) if not is_utf8(text) else text).strip().replace("\\", "/")
    if repaired == text or os.path.lexists(path):
        return path
    return str(folder / repaired) if os.path.lexists(folder / repaired) else path


def _read_csv(path: Path) -> Rows:
    rows = Rows()
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            head = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=head.count)
            reader = csv.DictReader(file, delimiter=delimiter)
            present = [name for name in reader.fieldnames or () if name]
            columns = {role: _find(role, present) for role in COLUMNS}
            for role in ("path", "label"):
                if columns[role] is None:
                    raise _missing(path, role, present=present)
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                cells = {role: row.get(name) for role, name in columns.items() if name}
                if not cells["path"]:
                    rows.skipped.append((where, "has no path"))
                    continue
                source = source_of(_located(path.parent, cells["path"]))
                split, group = cells.get("split"), cells.get("group")
                _add(rows, where, source=source, label=cells["label"], split=split, group=group)
    except csv.Error as error:
        raise ConvlensError(f"{path}: not a readable CSV table: {error}") from error
    return rows


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return any(field.name == "bytes" for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _cells(file: Any, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(columns=list(names)):
        yield from batch.to_pylist()


def _read_parquet(path: Path) -> Rows:
    require("pyarrow", "tables", what=f"reading {path}")
    import pyarrow as pa
    from pyarrow import parquet

    rows = Rows()
    try:
        file = parquet.ParquetFile(path)
        kinds = {field.name: field.type for field in file.schema_arrow}
        present = list(kinds)
        columns = {role: _find(role, present) for role in ("label", "split", "group")}
        if columns["label"] is None:
            raise _missing(path, "label", present=present)
        image = _find("bytes", [name for name in present if _is_bytes(kinds[name])])
        located = None if image else _find("path", present)
        if image is None and located is None:
            raise _missing(path, "path", present=present)
        column = BytesColumn(path, image) if image else None
        wanted = [name for name in {*columns.values(), located} if name]
        for number, row in enumerate(_cells(file, wanted)):
            where = f"{path}, row {number}"
            cells = {role: row[name] for role, name in columns.items() if name}
            source: Source
            if column is not None:
                source = CellSource(column, number)
            elif located and row[located]:
                source = source_of(_located(path.parent, str(row[located])))
            else:
                rows.skipped.append((where, "has no path"))
                continue
            _add(
                rows,
                where,
                source=source,
                label=cells["label"],
                split=cells.get("split"),
                group=cells.get("group"),
            )
    except (pa.ArrowException, OSError) as error:
        raise ConvlensError(f"{path}: not a readable Parquet table: {error}") from error
    return rows
