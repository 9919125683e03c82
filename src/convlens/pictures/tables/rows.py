"""From the rows of a table, of whatever kind, to those of a catalog."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...errors import ConvlensError
from ..crops.crops import source_of
from ..folder import Rows
from ..label import normal_label
from ..shards.urls import is_url
from ..source import FileSource, Source
from .columns import Columns, are_one_hot, no_column
from .paths import locate

Record = tuple[str, Mapping[str, Any], Source | None]
"""What to call a row, its cells by their columns' names, and its picture if that is no path."""


def rows_of(table: Path, columns: Columns, records: Iterable[Record]) -> Rows:
    """The rows of a catalog. Raises `ConvlensError`, naming the row, for what has no meaning."""
    rows = Rows()
    for number, (where, cells, given) in enumerate(records):
        if number == 0 and columns.one_hot and not are_one_hot(columns, cells):
            raise no_column(table, "label", names=list(cells))
        source = given
        if source is None:
            text = columns.of_role("path", cells)
            if is_url(text):
                raise ConvlensError(
                    f"{where}: {text} is an address, and a table's pictures are files: download "
                    "them and write their paths, or make shards of them"
                )
            source = FileSource(text) if text.strip() else None
        label, split = columns.label(cells, where), columns.split(cells, where)
        if source is None:
            rows.skip(where, "has no path")
        elif not normal_label(label):
            rows.skip(where, "has no label")
        elif split == "excluded":
            rows.skip(where, "is marked as excluded")
        else:
            rows.add(source, label, split, columns.of_role("group", cells) or None)
    if (
        rows.labels
        and not columns.exact
        and all(re.fullmatch(r"\d+\.0", label) for label in rows.labels)
    ):
        # pandas writes whole numbers so where a cell of the column is empty
        rows.labels = [label.removesuffix(".0") for label in rows.labels]
        rows.spellings = {label: {label} for label in rows.labels}
    named = [row for row, source in enumerate(rows.sources) if isinstance(source, FileSource)]
    for row, path in zip(named, locate(table, [rows.sources[r].name for r in named]), strict=True):
        rows.sources[row] = source_of(path)
    return rows
