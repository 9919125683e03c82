"""Folders of pictures: one folder per class, at the top or under train, val and test."""

import os
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from ..errors import ConvlensError
from .source import FileSource, Source

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


@dataclass
class Rows:
    """Columns of a catalog while they are being collected."""

    sources: list[Source] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    _: KW_ONLY
    splits: list[str | None] = field(default_factory=list)
    groups: list[str | None] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def add(
        self, source: Source, label: str, split: str | None = None, group: str | None = None
    ) -> None:
        """Append one picture."""
        self.sources.append(source)
        self.labels.append(label)
        self.splits.append(split)
        self.groups.append(group)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, without names that begin with a dot, in a fixed order."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry for entry in entries if not entry.name.startswith(".")),
                key=lambda entry: entry.name,
            )
    except OSError as error:
        raise ConvlensError(f"cannot list {folder}: {error.strerror or error}") from error


def files_below(folder: Path, parents: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every file in a folder and the folders in it, in a fixed order.

    Dot-names are passed over; linked folders are followed, but never in a circle.
    """
    real = str(folder.resolve())
    if real in parents:
        return
    for entry in _entries(folder):
        if entry.is_dir():
            yield from files_below(Path(entry.path), parents | {real})
        else:
            yield entry.path


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if entry.is_dir()]


def scan_classes(folder: Path, split: str | None = None, *, rows: Rows | None = None) -> Rows:
    """Each folder in `folder` is a class; everything below it is a picture of that class."""
    rows = rows or Rows()
    for entry in _entries(folder):
        if entry.is_dir():
            for path in files_below(Path(entry.path)):
                rows.add(FileSource(path), entry.name, split)
        else:
            rows.skipped.append((entry.path, "lies beside the class folders, so it has no label"))
    return rows


def scan_splits(folder: Path) -> Rows | None:
    """The layout with `train` (and `val`, `test`) above the classes; None where it is another.

    It is that layout where every folder at the top bears a split's name and holds folders: two
    classes that happen to be called `train` and `test` hold pictures and stay classes.
    """
    tops = _folders(folder)
    named = {SPLIT_NAMES.get(top.name.lower()) for top in tops}
    if "train" not in named or None in named or not all(_folders(top) for top in tops):
        return None
    rows = Rows()
    for top in tops:
        scan_classes(top, SPLIT_NAMES[top.name.lower()], rows=rows)
    return rows
