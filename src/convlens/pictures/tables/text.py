"""Tables as text: CSV as people and spreadsheets write it, and JSON Lines."""

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from ...errors import ConvlensError
from ..folder import Rows
from ..formats.foreign import is_text, name_of
from ..source import is_picture_name
from .columns import Columns, are_one_hot, find_columns, no_column
from .rows import Record, rows_of

DELIMITERS = ",;\t|"
HEAD = 30
"""Lines in which the names of the columns are looked for."""
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""How a file begins that is not in UTF-8; UTF-16's mark is the beginning of UTF-32's."""


@dataclass(frozen=True)
class _Layout:
    """What separates cells, the names of the columns, and how many lines stand above the rows."""

    delimiter: str
    names: list[str]
    above: int
    columns: Columns


def read_csv(path: Path) -> Rows:
    """Read a CSV. Raises `ConvlensError`, naming the file and the line."""
    skipped: list[tuple[str, str]] = []
    with opened(path) as file:
        first = file.readline()
        by_excel = re.fullmatch(r'"?sep=(.)"?\s*', first)
        head = list(islice(file, HEAD)) if by_excel else [first, *islice(file, HEAD)]
        layout = _layout(path, head, by_excel[1] if by_excel else DELIMITERS)
        lines = reader(chain(head, file), layout.delimiter, strict=True)

        def records() -> Iterator[Record]:
            for number, cells in enumerate(lines):
                where = f"{path}, line {lines.line_num + bool(by_excel)}"
                if is_remark(cells) or cells == layout.names:
                    continue
                if number < layout.above:
                    skipped.append((where, "stands above the names of the columns"))
                elif any(cells[len(layout.names) :]):
                    skipped.append((where, "has more cells than there are columns: quote them"))
                else:
                    yield where, dict(zip(layout.names, cells, strict=False)), None

        try:
            rows = rows_of(path, layout.columns, records())
        except csv.Error as error:
            line = lines.line_num + bool(by_excel)
            raise ConvlensError(f"{path}, line {line}: not readable as CSV: {error}") from error
    rows.skipped[:0] = skipped
    return rows


def opened(path: Path) -> TextIO:
    """A table of text, in whatever encoding it says."""
    with path.open("rb") as file:
        head = file.read(64)
    encoding = next((name for mark, name in MARKS.items() if head.startswith(mark)), "utf-8-sig")
    if encoding == "utf-8-sig" and 0 in head[:2]:  # UTF-16 without a mark
        encoding = "utf-16-be" if head[0] == 0 else "utf-16-le"
    elif encoding == "utf-8-sig" and not is_text(head) and (what := name_of(head)):
        raise ConvlensError(f"{path} is no text, but {what}")
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    return path.open(newline="", encoding=encoding, errors=errors)


def reader(lines: Iterable[str], delimiter: str, *, strict: bool = False) -> Any:
    """The rows of a CSV."""
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)


def is_remark(cells: Sequence[str]) -> bool:
    """Whether a line is empty or says something to people only."""
    return not any(cells) or (cells[0].startswith("#") and not any(map(is_picture_name, cells)))


def _layout(path: Path, head: list[str], delimiters: str) -> _Layout:
    """Find the names of the columns. Raises `ConvlensError` where there are none."""
    if not "".join(head).strip():
        raise ConvlensError(f"{path} is empty")
    try:
        by_delimiter = {delimiter: list(reader(head, delimiter)) for delimiter in delimiters}
    except csv.Error as error:
        raise ConvlensError(f"{path}: not readable as CSV: {error}") from error
    one_hot: _Layout | None = None
    for delimiter, lines in by_delimiter.items():
        for number, names in enumerate(lines):
            columns = find_columns(path, names)
            layout = _Layout(delimiter, names, number + 1, columns)
            if {"path", "label"} <= columns.roles.keys():
                return layout
            below = dict(zip(names, lines[number + 1], strict=False)) if lines[number + 1 :] else {}
            if "path" in columns.roles and len(columns.one_hot) > 1:
                one_hot = one_hot or (layout if are_one_hot(columns, below) else None)
    return one_hot or _without_names(path, by_delimiter | {" ": list(reader(head, " "))})


def _without_names(path: Path, by_delimiter: dict[str, list[list[str]]]) -> _Layout:
    """Two columns of which one has the names of pictures need no names themselves."""
    best: list[str] = []
    for delimiter, lines in by_delimiter.items():
        above, cells = next(((k, c) for k, c in enumerate(lines) if not is_remark(c)), (0, []))
        if len(cells) == 2 and sum(map(is_picture_name, cells)) == 1:
            names = ["path", "label"] if is_picture_name(cells[0]) else ["label", "path"]
            return _Layout(delimiter, names, above, find_columns(path, names))
        best = cells if len(cells) > len(best) and delimiter != " " else best
    if any(map(is_picture_name, best)):
        raise ConvlensError(
            f"{path} begins with {','.join(best)!r} and has no names of columns above: write a "
            "line of them there, such as path,label"
        )
    columns = find_columns(path, best)
    role = "label" if "path" in columns.roles else "path"
    raise no_column(path, role, names=[name for name in best if name])


def read_json_lines(path: Path) -> Rows:
    """Read a table with one JSON object a line. Raises `ConvlensError`, naming the line."""
    with opened(path) as file:
        records = json_records(path, file)
        first = next(records, None)
        if first is None:
            return Rows()
        columns = find_columns(path, list(first[1]), needed=("path", "label"))
        return rows_of(path, columns, chain([first], records))


def json_records(path: Path, file: TextIO) -> Iterator[Record]:
    """The rows of JSON Lines. Raises `ConvlensError`, naming the line."""
    for number, line in enumerate(file, 1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConvlensError(f"{where}: not readable as JSON: {error}") from error
        if not isinstance(cells, dict):
            raise ConvlensError(f"{where}: it is no JSON object, with names and values")
        yield where, cells, None
