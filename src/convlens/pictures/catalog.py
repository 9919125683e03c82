"""A data set as one immutable table: where each picture is, its label, its split, its group."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

from ..errors import ConvlensError, UsageError
from ..files import exists, given_path
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
from .source import Source
from .tables.read import read_table, scan_tables

SPLITS = ("train", "val", "test")


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key that puts class `2` before class `10`."""
    parts = re.split(r"(\d+)", name)
    return tuple((int(part), part) if part.isdecimal() else (-1, part) for part in parts)


@dataclass(frozen=True)
class Catalog:
    """One row per picture, as parallel columns.

    `sources` say where the bytes are; `labels` are names, never indices; `splits` holds
    `train`, `val`, `test` or None where the data does not say; `groups` holds None or the name of
    what must stay in one split (a patient, a module). `skipped` lists (name, reason) of what could
    not become a row. `remarks` are sentences on labels and classes that the user may not have meant
    so.
    """

    root: Path
    sources: tuple[Source, ...]
    _: KW_ONLY
    labels: tuple[str, ...]
    splits: tuple[str | None, ...]
    groups: tuple[str | None, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def classes(self) -> tuple[str, ...]:
        """The distinct labels in natural order."""
        return tuple(sorted(set(self.labels), key=natural_key))

    @property
    def names(self) -> tuple[str, ...]:
        """What to call each picture in messages and tables."""
        return tuple(source.name for source in self.sources)

    def take(self, rows: Iterable[int]) -> "Catalog":
        """The same table with only the given rows, in the given order."""
        rows = list(rows)
        return replace(
            self,
            sources=tuple(self.sources[row] for row in rows),
            labels=tuple(self.labels[row] for row in rows),
            splits=tuple(self.splits[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows),
        )

    def grouped(self, pattern: str) -> "Catalog":
        """The same table, a picture's group being what a regular expression finds in its name.

        That is its first parenthesis, or the whole match without any; where it finds nothing, the
        group stays. Raises `UsageError` where it is none, or finds nothing in any name.
        """
        try:
            matches = [re.search(pattern, name) for name in self.names]
        except re.error as error:
            raise UsageError(f"--group {pattern}: not a regular expression: {error}") from error
        if not any(matches):
            raise UsageError(f"--group {pattern}: it finds nothing in any name, as {self.names[0]}")
        groups = tuple(
            (match[1] if match.re.groups else match[0]) if match else group
            for match, group in zip(matches, self.groups, strict=True)
        )
        return replace(self, groups=groups)

    @property
    def only_group(self) -> str | None:
        """The group that every picture is of, if there is one such."""
        return self.groups[0] if len(set(self.groups)) == 1 else None

    def classes_lost(self, readable: "Catalog") -> tuple[tuple[str, str], ...]:
        """The classes that the readable pictures are without, as (name, reason)."""
        counts, left = self.counts(), set(readable.labels)
        return tuple(
            (f"class {label!r}", f"none of its {count:,} files is a picture")
            for label, count in counts.items()
            if label not in left
        )

    def counts(self) -> dict[str, int]:
        """Pictures per class, classes in natural order."""
        counted = Counter(self.labels)
        return {label: counted[label] for label in self.classes}


def listed(skipped: Sequence[tuple[str, str]], most: int = 5) -> str:
    """The first (name, reason) of what was passed over, as lines below an error."""
    return "".join(f"\n  {name}: {reason}" for name, reason in skipped[:most])


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
    Raises `ConvlensError` where there is nothing to label.
    """
    if not isinstance(pictures, str | Path):
        raise ConvlensError("give one folder or one table of pictures")
    path = given_path(pictures)
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
