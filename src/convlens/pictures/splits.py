"""Splits: seeded, stratified, and never the same picture or group on two sides."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..files import write_whole
from .catalog import SPLITS, Catalog
from .crops import CropSource
from .shards.streams import absolute
from .store import PixelStore

EXCLUDED = "excluded"
"""The split of a picture that stands on another side already."""


@dataclass(frozen=True)
class Split:
    """`sides` holds `train`, `val`, `test`, or `excluded` for each catalog row.

    Rows with the same number in `groups` may not be parted.
    """

    sides: tuple[str, ...]
    groups: tuple[int, ...]

    def rows(self, side: str) -> list[int]:
        """The catalog rows on one side, in order."""
        return [row for row, name in enumerate(self.sides) if name == side]

    def counts(self) -> dict[str, int]:
        """Pictures per side."""
        counted = Counter(self.sides)
        return {side: counted[side] for side in (*SPLITS, EXCLUDED) if counted[side]}


def clusters(keys: Iterable[Iterable[Hashable]]) -> list[int]:
    """Number the connected sets of rows: two rows that share a key are in one set.

    `keys` gives each row's keys (its content, its pixels, its group). A union-find.
    """
    parent: list[int] = []
    seen: dict[Hashable, int] = {}

    def find(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for row, row_keys in enumerate(keys):
        parent.append(row)
        for key in row_keys:
            other = seen.setdefault(key, row)
            parent[find(row)] = find(other)
    return [find(row) for row in range(len(parent))]


def make_split(
    catalog: Catalog,
    store: PixelStore,
    *,
    near: npt.NDArray[np.int64],
    seed: int,
    test_fraction: float,
    val_fraction: float,
) -> Split:
    """Give every picture its side; `near` is what `near_duplicate_clusters` says of them.

    Sides that the data names are kept; a side it does not name is drawn from the rest, class by
    class, in an order that depends on the seed and the pictures' contents alone. What shares a
    content hash, its pixels, a cluster of near duplicates or a group stays together. Where the data
    itself puts such pictures on two sides, those outside the held-out side are excluded (test
    first, then val). The very same picture under two labels is excluded everywhere.
    """
    same = store.identities()

    def keys(row: int) -> Iterator[Hashable]:
        if catalog.groups[row] is not None:
            yield "group", catalog.groups[row]
        if not isinstance(catalog.sources[row], CropSource):  # parts are often alike: plain wall
            yield "content", store.contents.hashes[row].tobytes()
            yield "pixels", same[row]
            yield "near", int(near[store.rows[row]])

    groups = clusters(map(keys, range(len(catalog))))
    members: dict[int, list[int]] = {}
    for row, cluster in enumerate(groups):
        members.setdefault(cluster, []).append(row)
    given = set(catalog.splits) - {None}
    wanted = {
        side: 0.0 if side in given else fraction
        for side, fraction in (("test", test_fraction), ("val", val_fraction))
    }
    sides = [EXCLUDED] * len(catalog)
    drawable: dict[str, list[list[int]]] = {}
    for rows in members.values():
        named = {catalog.splits[row] for row in rows}
        first = next((side for side in ("test", "val") if side in named), None)
        if first is not None:
            for row in rows:
                if catalog.splits[row] == first:
                    sides[row] = first
        else:
            commonest = Counter(catalog.labels[row] for row in rows).most_common(1)[0][0]
            drawable.setdefault(commonest, []).append(rows)
    for sets in drawable.values():
        _draw(sorted(sets, key=lambda rows: _order(seed, store, rows=rows)), wanted, sides=sides)
    labels: dict[bytes, set[str]] = {}
    for key, label in zip(same, catalog.labels, strict=True):
        labels.setdefault(key, set()).add(label)
    for row, key in enumerate(same):
        if len(labels[key]) > 1:
            sides[row] = EXCLUDED
    return Split(tuple(sides), tuple(groups))


def _order(seed: int, store: PixelStore, *, rows: list[int]) -> bytes:
    contents = sorted(store.contents.hashes[row].tobytes() for row in rows)
    return hashlib.sha256(str(seed).encode() + b"|" + b"".join(contents)).digest()


def _draw(sets: list[list[int]], wanted: dict[str, float], *, sides: list[str]) -> None:
    """Fill the drawn sides of one class up to their share, in order; the rest is for training.

    A side gets one picture at least while one more is left for training.
    """
    total = sum(len(rows) for rows in sets)
    room = {
        side: max(1, round(fraction * total)) if fraction and total > 1 else 0
        for side, fraction in wanted.items()
    }
    left = total
    for rows in sets:
        fits = (side for side, free in room.items() if len(rows) <= free and len(rows) < left)
        side = next(fits, "train")
        if side != "train":
            room[side] -= len(rows)
            left -= len(rows)
        for row in rows:
            sides[row] = side


def write_manifest(path: Path, catalog: Catalog, *, store: PixelStore, split: Split) -> None:
    """Write path, content hash, label and split of every picture: a table that can be read."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "hash", "label", "split", "group"))
    for row, side in enumerate(split.sides):
        source = absolute(catalog.sources[row].name)
        writer.writerow(
            (source, store.contents.hex(row), catalog.labels[row], side, catalog.groups[row] or "")
        )
    write_whole(path, text.getvalue())
