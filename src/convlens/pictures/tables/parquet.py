"""Tables as Parquet: with paths or with the pictures' bytes, and with the names of classes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import ConvlensError, require
from ..folder import Rows
from ..source import BytesColumn, CellSource
from .columns import COLUMNS, find_columns, no_column
from .rows import Record, rows_of


def read_parquet(path: Path) -> Rows:
    """Read a Parquet table. Raises `ConvlensError`, naming the file and the row."""
    require("pyarrow", "tables", what=f"reading {path}")
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
        classes = _classes(schema.metadata)
        image = image_column(schema)
        names = [name for name in schema.names if name != image]
        columns = find_columns(
            path,
            names,
            needed=("label",) if image else ("path", "label"),
            label=next(iter(classes)) if len(classes) == 1 else None,
        )
        if classes.keys() & {*columns.one_hot}:  # numbers of classes are no flags
            raise no_column(path, "label", names=names)
        columns = replace(columns, classes=classes.get(columns.roles.get("label", ""), ()))
        wanted = {*columns.roles.values(), *columns.flags, *columns.one_hot}
        names = [name for name in schema.names if name in wanted]
        return rows_of(path, columns, records(path, file, names, image=image))
    except (pa.ArrowException, OSError) as error:
        raise ConvlensError(f"{path}: not a readable Parquet table: {error}") from error


def records(path: Path, file: Any, names: Sequence[str], *, image: str | None) -> Iterator[Record]:
    """The cells of these columns of an open file; of the `image` column where pictures are."""
    column = BytesColumn(path, image) if image else None
    number = 0
    for batch in file.iter_batches(columns=list(names)):
        for cells in batch.to_pylist():
            source = CellSource(column, number) if column else None
            yield f"{path}, row {number}", cells, source
            number += 1


def image_column(schema: Any) -> str | None:
    """The column with the pictures' bytes: one so called, or the only one of structs with bytes."""
    import pyarrow as pa

    structs = [
        field.name
        for field in schema
        if pa.types.is_struct(field.type) and any(part.name == "bytes" for part in field.type)
    ]
    types = (
        (f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema
    )
    binary = [name for name, of in types if pa.types.is_binary(of) or pa.types.is_large_binary(of)]
    lowered = {name.strip().lower(): name for name in (*structs, *binary)}
    by_name = (lowered[name] for name in COLUMNS["bytes"] if name in lowered)
    return next(by_name, structs[0] if len(structs) == 1 else None)


def _values(names: Any) -> Any:
    return names.values() if isinstance(names, dict) else names


def _classes(metadata: dict[bytes, bytes] | None) -> dict[str, tuple[str, ...]]:
    """Columns of whole numbers and the classes that these stand for, as `datasets` writes them."""
    try:
        record = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        features = record.get("info", record).get("features", {}).items()
        alone = {name: f[0] if isinstance(f, list) else f for name, f in features}
        inner = {name: f.get("feature", f) for name, f in alone.items()}  # of a list, too
        return {
            name: tuple(map(str, _values(feature["names"])))
            for name, feature in inner.items()
            if feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
