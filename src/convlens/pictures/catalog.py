"""A data set as one immutable table: where each picture is, its label, its split, its group."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from ..errors import UsageError
from .source import Source

SPLITS = ("train", "val", "test")


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key that puts class `2` before class `10`."""
    parts = re.split(r"(\d+)", name)
    return tuple((int(part), part) if part.isdecimal() else (-1, part) for part in parts)


@dataclass(frozen=True)
class PictureTable:
    """One row per picture, as parallel columns, which `COLUMNS` names.

    `sources` say where the bytes are; `splits` holds `train`, `val`, `test` or None where the data
    does not say; `groups` holds None or the name of what must stay in one split (a patient, a
    module). `skipped` lists (name, reason) of what could not become a row. `remarks` are sentences
    on labels and classes that the user may not have meant so.
    """

    root: Path
    sources: tuple[Source, ...]
    _: KW_ONLY
    splits: tuple[str | None, ...]
    groups: tuple[str | None, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    COLUMNS: ClassVar[tuple[str, ...]] = ("sources", "splits", "groups")

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def names(self) -> tuple[str, ...]:
        """What to call each picture in messages and tables."""
        return tuple(source.name for source in self.sources)

    def rows_of(self, split: str | None) -> list[int]:
        """The pictures of a split, as the data names it."""
        return [row for row, own in enumerate(self.splits) if own == split]

    def strata(self, row: int) -> tuple[str, ...]:
        """What a picture counts as, once or often, where splits get their shares."""
        raise NotImplementedError

    def take(self, rows: Iterable[int]) -> Self:
        """The same table with only the given rows, in the given order."""
        rows = list(rows)
        taken: dict[str, Any] = {}
        for name in self.COLUMNS:
            column = getattr(self, name)
            taken[name] = tuple(column[row] for row in rows)
        return replace(self, **taken)

    def grouped(self, pattern: str) -> Self:
        """The same table, a picture's group being what a regular expression finds in its name.

        That is its first parenthesis that took part, or the whole match without any; where it finds
        nothing, the group stays. Names are looked at from the folder of all on, wherever
        somebody stands. Raises `UsageError` where it is none, or finds nothing in any name.
        """
        names = [self._below(name).replace(os.sep, "/") for name in self.names]
        try:
            matches = [re.search(pattern, name) for name in names]
        except re.error as error:
            raise UsageError(f"--group {pattern}: not a regular expression: {error}") from error
        if not any(matches):
            raise UsageError(f"--group {pattern}: it finds nothing in any name, as {names[0]}")
        groups = tuple(
            next((part for part in match.groups() if part is not None), match[0])
            if match
            else group
            for match, group in zip(matches, self.groups, strict=True)
        )
        return replace(self, groups=groups)

    def _below(self, name: str) -> str:
        """A picture's path from the folder of all on; from the root where it lies elsewhere."""
        if "://" in name:
            return name
        path, root = os.path.abspath(name), os.path.abspath(self.root)  # noqa: PTH100
        return os.path.relpath(path, Path(root).parent) if path.startswith(root) else path

    @property
    def only_group(self) -> str | None:
        """The group that every picture is of, if there is one such."""
        return self.groups[0] if len(set(self.groups)) == 1 else None


@dataclass(frozen=True, kw_only=True)
class Catalog(PictureTable):
    """Pictures of one class each; `labels` are the classes' names, never indices."""

    labels: tuple[str, ...]

    COLUMNS: ClassVar[tuple[str, ...]] = (*PictureTable.COLUMNS, "labels")

    @property
    def classes(self) -> tuple[str, ...]:
        """The distinct labels in natural order."""
        return tuple(sorted(set(self.labels), key=natural_key))

    def strata(self, row: int) -> tuple[str, ...]:
        """Its label."""
        return (self.labels[row],)

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
