"""Finding and reading tables of pictures: a file, or those that lie in a folder of pictures."""

from pathlib import Path

from ...errors import ConvlensError
from ...files import saying_where
from ..folder import Rows, files_below, folders_in, names_in
from ..split_name import split_named, split_of
from .columns import NoColumnError
from .parquet import read_parquet
from .text import read_csv, read_json_lines

SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")
BESIDE = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Tables that lie with their pictures, by the convention of Hugging Face's imagefolder."""
FEW = 10
"""A folder with fewer names in it may be only wrapped around another."""


def read_table(path: Path) -> Rows:
    """Read a table: CSV, JSON Lines or Parquet. Raises `ConvlensError` naming file and line."""
    with saying_where(path, "read"), path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if is_parquet:
        return read_parquet(path)
    ending = path.suffix.lower()
    if ending in {".jsonl", ".ndjson"}:
        return read_json_lines(path)
    if ending in {".csv", ".tsv", ".txt"}:
        return read_csv(path)
    if ending in SPREADSHEETS:
        raise ConvlensError(f"{path} is a spreadsheet: save it as CSV, and give that")
    raise ConvlensError(
        f"{path} is neither a folder nor a table of pictures (CSV, JSON Lines or Parquet); "
        "give the folder that holds one folder per class"
    )


def scan_tables(folder: Path) -> Rows | None:
    """The tables in a folder that say what its pictures are; None where there are none.

    Those are `metadata.csv` (or `.jsonl`, `.parquet`) in the folder or in `train`, `val` and
    `test`, and Parquet files that no folders lie beside. A folder with little but one folder stands
    for that. Pictures beside `metadata.csv` that it does not name are passed over.
    """
    names = names_in(folder)
    places: list[tuple[Path, str | None]] = [(folder, None)]
    places += [(folder / name, split) for name in names if (split := split_named(name))]
    tables = [(table, split) for place, split in places for table in _tables(place)]
    if not tables:  # a repository of data holds little more than its folder `data`
        inner = folders_in(folder) if len(names) < FEW else []
        return scan_tables(inner[0]) if len(inner) == 1 else None
    rows = Rows()
    for table, split in tables:
        try:
            rows.extend(read_table(table), split=split or split_of(table.name))
        except NoColumnError:
            if any(folders_in(place) for place, _ in places):  # then those are the labels
                return None
            raise
    named = {*(source.name for source in rows.sources), *(str(table) for table, _ in tables)}
    for place in dict.fromkeys(t.parent for t, _ in tables if t.name.lower() in BESIDE):
        for path in files_below(place, rows.skip):
            if path not in named:
                rows.skip(path, "is not named in the table of its folder")
    return rows


def _tables(place: Path) -> list[Path]:
    names = names_in(place)
    parquet = [place / name for name in names if name.endswith(".parquet")]
    beside = [place / name for name in names if name.lower() in BESIDE]
    return beside or ([] if parquet and folders_in(place) else parquet)
