"""Pictures by class in a folder, as they are collected for a training."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ...files import read_csv, sound_record, write_whole
from ...pictures.label import normal_label
from ..problems import Problem
from .teaching_folder import TeachingFolder, no_place

MAX_BYTES, MAX_PICTURES, MAX_LABEL_LENGTH = 2_000_000_000, 20_000, 100


class LabelledPictures:
    """Encoded pictures in a folder, numbered: a label never becomes the name of a file.

    A table beside them, as `convlens train` reads it, says the label of each.

    Args:
        folder: In whose `classes` they are put; it is made with the first of them. What lies there
            already, of a server before, is taken up.

    Raises:
        ConvlensError: The table that is there cannot be read.
    """

    def __init__(self, folder: TeachingFolder) -> None:
        self.folder = folder
        self.paths_by_label: dict[str, list[Path]] = {}
        self._bytes = self._next_number = 0
        if folder.kept and (table := folder.kept / "classes" / "pictures.csv").exists():
            with sound_record(table):
                self._read(table)

    @property
    def table(self) -> Path:
        """The CSV file of paths and labels."""
        return self.folder.subfolder("classes") / "pictures.csv"

    def counts(self) -> dict[str, int]:
        """How many pictures each class has."""
        return {label: len(paths) for label, paths in self.paths_by_label.items()}

    def add(self, label: str, pictures: Sequence[bytes]) -> None:
        """Add encoded pictures of a class. Raises `Problem` (413, 422 or 507) at the limits."""
        label = checked_label(label)
        size = sum(map(len, pictures))
        check_room(self._bytes + size, self._next_number + len(pictures))
        folder = self.folder.subfolder("classes")
        with no_place("they cannot be written"):
            for data in pictures:
                path = folder / f"{self._next_number}"
                path.write_bytes(data)
                self.paths_by_label.setdefault(label, []).append(path)
                self._next_number += 1
        self._bytes += size
        self._write_table()

    def remove(self, label: str) -> None:
        """Remove a class and its pictures, if it is there."""
        paths = self.paths_by_label.pop(normal_label(label), [])
        if paths:
            self._write_table()
        for path in paths:
            self._bytes -= path.stat().st_size
            path.unlink()

    def _read(self, table: Path) -> None:
        for row in read_csv(table):
            path = table.parent / row["path"]
            if path.is_file():
                self.paths_by_label.setdefault(row["label"], []).append(path)
                self._bytes += path.stat().st_size
                self._next_number = max(self._next_number, int(path.name) + 1)

    def _write_table(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("path", "label"))
        for label, paths in self.paths_by_label.items():
            writer.writerows((picture.name, label) for picture in paths)
        with no_place("their table cannot be written"):
            write_whole(self.table, text.getvalue())


def checked_label(label: str) -> str:
    """A label in the form that it has everywhere. Raises `Problem` (422) where it is none."""
    label = normal_label(label)
    if not label or len(label) > MAX_LABEL_LENGTH or not label.isprintable():
        raise Problem(
            422, "Not a label", detail=f"a label has 1 to {MAX_LABEL_LENGTH} visible letters"
        )
    return label


def check_room(size: int, count: int) -> None:
    """Raise `Problem` (413) where so many bytes, or pictures, are more than are kept here."""
    if size > MAX_BYTES or count > MAX_PICTURES:
        raise Problem(
            413,
            "Too many pictures to teach here",
            detail="use convlens train on a folder: it takes any number",
        )
