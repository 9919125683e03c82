"""Pictures by class in a folder, as they are collected for a training."""

import csv
from collections.abc import Sequence
from pathlib import Path

from ...pictures.label import normal_label
from ..problems import Problem
from .temporary_folder import TemporaryFolder

MAX_BYTES, MAX_PICTURES, MAX_LABEL_LENGTH = 2_000_000_000, 20_000, 100


class LabelledPictures:
    """Encoded pictures in a folder, numbered: a label never becomes the name of a file.

    Args:
        folder: Where they are put; it is made with the first of them.
    """

    def __init__(self, folder: TemporaryFolder) -> None:
        self.folder = folder
        self.paths_by_label: dict[str, list[Path]] = {}
        self._bytes = self._next_number = 0

    def counts(self) -> dict[str, int]:
        """How many pictures each class has."""
        return {label: len(paths) for label, paths in self.paths_by_label.items()}

    def add(self, label: str, pictures: Sequence[bytes]) -> None:
        """Add encoded pictures of a class. Raises `Problem` (413 or 422) at the limits."""
        label = normal_label(label)
        if not label or len(label) > MAX_LABEL_LENGTH or not label.isprintable():
            raise Problem(
                422, "Not a label", detail=f"a label has 1 to {MAX_LABEL_LENGTH} visible letters"
            )
        size = sum(map(len, pictures))
        if self._bytes + size > MAX_BYTES or self._next_number + len(pictures) > MAX_PICTURES:
            raise Problem(
                413,
                "Too many pictures to teach here",
                detail="use convlens train on a folder: it takes any number",
            )
        for data in pictures:
            path = self.folder.path / f"{self._next_number}"
            path.write_bytes(data)
            self.paths_by_label.setdefault(label, []).append(path)
            self._next_number += 1
        self._bytes += size

    def remove(self, label: str) -> None:
        """Remove a class and its pictures, if it is there."""
        for path in self.paths_by_label.pop(normal_label(label), []):
            self._bytes -= path.stat().st_size
            path.unlink()

    def write_table(self, path: Path) -> None:
        """Write a CSV file of paths and labels, as `convlens train` reads it."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "label"))
            for label, paths in self.paths_by_label.items():
                writer.writerows((picture, label) for picture in paths)
