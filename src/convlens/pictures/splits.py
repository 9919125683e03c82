"""Splits: seeded, stratified, and never the same picture or group in two of them."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..files import write_whole
from .catalog import SPLITS, Catalog, PictureTable
from .crops.crops import CropSource
from .duplicates.clusters import clusters_by_key
from .shards.urls import absolute_url
from .store import PixelStore
from .tables.columns import MANIFEST

DRAWN = ("test", "val", "train")
"""The order in which a class's single pictures are taken."""
EXCLUDED = "excluded"
"""Assigned to a picture that another split has already."""


@dataclass(frozen=True)
class Split:
    """The split of each catalog row.

    `assigned` holds `train`, `val`, `test`, or `excluded` for each row. Rows with the same number
    in `groups` may not be parted.
    """

    assigned: tuple[str, ...]
    groups: tuple[int, ...]

    def rows(self, name: str) -> list[int]:
        """The catalog rows of one split, in order."""
        return [row for row, assigned in enumerate(self.assigned) if assigned == name]

    @property
    def held_out(self) -> str:
        """The split whose pictures were least learnt from: test, else val, else train."""
        return next(name for name in DRAWN if self.rows(name))

    def counts(self) -> dict[str, int]:
        """Pictures per split."""
        counted = Counter(self.assigned)
        return {name: counted[name] for name in (*SPLITS, EXCLUDED) if counted[name]}


def make_split(
    catalog: PictureTable,
    store: PixelStore,
    *,
    near: npt.NDArray[np.int64],
    seed: int,
    test_fraction: float,
    val_fraction: float,
) -> Split:
    """Assign every picture to a split; `near` is what `near_duplicate_clusters` says of them.

    Splits that the data names are kept; a split that it does not name is drawn from the rest, with
    its share of every class, in an order that depends on the seed and the pictures' contents alone.
    What shares a content hash, its pixels, a cluster of near duplicates or a group stays together.
    Where the data itself puts such pictures into two splits, those outside the held-out one are
    excluded (test first, then val). The very same pixels under two labels are excluded everywhere;
    pictures that merely look alike may have labels of their own.
    """
    pixels = store.identities()

    def keys(row: int) -> Iterator[Hashable]:
        if catalog.groups[row] is not None:
            yield "group", catalog.groups[row]
        if not isinstance(catalog.sources[row], CropSource):  # crops are often alike: plain wall
            yield "content", store.contents.hashes[row].tobytes()
            yield "pixels", pixels[row]
            yield "near", int(near[store.rows[row]])

    groups = clusters_by_key(map(keys, range(len(catalog))))
    contradicted = set(_contradicted(catalog, pixels)) if isinstance(catalog, Catalog) else set()
    rows_by_group: dict[int, list[int]] = {}
    for row, group in enumerate(groups):
        if row not in contradicted:
            rows_by_group.setdefault(group, []).append(row)
    assigned = [EXCLUDED] * len(catalog)
    drawable: list[list[int]] = []
    for rows in rows_by_group.values():
        held_out = _held_out_split(catalog, rows)
        if held_out is None:
            drawable.append(rows)
            continue
        for row in rows:
            if catalog.splits[row] == held_out:
                assigned[row] = held_out
    named = set(catalog.splits)
    test, val = (
        0.0 if name in named else fraction
        for name, fraction in (("test", test_fraction), ("val", val_fraction))
    )
    drawable.sort(key=lambda rows: _order(seed, store, rows=rows))
    labels = [[k for row in rows for k in catalog.strata(row)] for rows in drawable]
    shares = {"train": 1 - test - val, "val": val, "test": test}
    for rows, split in zip(drawable, stratify(labels, shares), strict=True):
        for row in rows:
            assigned[row] = split
    return Split(tuple(assigned), tuple(groups))


def stratify(sets: Sequence[Sequence[str]], shares: Mapping[str, float]) -> list[str]:
    """The split of each set of pictures, whose labels are given, in the order of drawing.

    `shares` of `train`, `val` and `test` add up to 1. Larger sets go first; each goes where its
    classes are furthest behind their shares, as in Sainte-Laguë's apportionment. Every class has a
    training picture, and, where it has two sets, a test picture. Single pictures go class by class,
    and what rounding keeps from `val` in one class it gets in the next ones, so that of many small
    classes it has its share too.

    Args:
        sets: The labels of each set's pictures.
        shares: Of the pictures, by split; a split with a share of 0 gets none.

    Returns:
        One split per set.

    Examples:
        >>> stratify([["a", "a"], ["a"], ["a"]], {"train": 0.5, "val": 0.0, "test": 0.5})
        ['train', 'test', 'test']
    """
    counts = [Counter(labels) for labels in sets]
    totals = Counter(label for labels in sets for label in labels)
    left = Counter(label for count in counts for label in count)
    wanted = {s: {k: share * n for k, n in totals.items()} for s, share in shares.items() if share}
    got: dict[str, Counter[str]] = {split: Counter() for split in wanted}

    def behind(split: str, count: Counter[str]) -> float:
        return sum(n * (got[split][k] + n / 2) / wanted[split][k] for k, n in count.items())

    def put(count: Counter[str]) -> str:
        if any(not got["train"][label] for label in count):
            split = "train"
        elif "test" in got and any(left[k] == 1 and not got["test"][k] for k in count):
            split = "test"
        else:
            split = min(wanted, key=lambda split: behind(split, count))
        got[split].update(count)
        left.subtract(count.keys())
        return split

    dealt = [""] * len(sets)
    singles: dict[str, list[int]] = {}
    for index in sorted(range(len(sets)), key=lambda index: -len(sets[index])):
        if len(sets[index]) > 1:
            dealt[index] = put(counts[index])
        else:
            singles.setdefault(sets[index][0], []).append(index)
    owed = 0.0
    for label in sorted(singles):
        fair = wanted.get("val", {}).get(label, 0.0)
        if fair:
            wanted["val"][label] = max(fair + owed, 1e-9)
        splits = sorted((put(counts[index]) for index in singles[label]), key=DRAWN.index)
        for index, split in zip(singles[label], splits, strict=True):
            dealt[index] = split
        if fair:
            owed += fair - got["val"][label]
    return dealt


def _held_out_split(catalog: PictureTable, rows: list[int]) -> str | None:
    """The held-out split that the data names for some of these rows."""
    named = {catalog.splits[row] for row in rows}
    return next((name for name in ("test", "val") if name in named), None)


def _contradicted(catalog: Catalog, pixels: list[bytes]) -> Iterator[int]:
    """The rows whose very pixels stand under another label too."""
    labels: dict[bytes, set[str]] = {}
    for key, label in zip(pixels, catalog.labels, strict=True):
        labels.setdefault(key, set()).add(label)
    yield from (row for row, key in enumerate(pixels) if len(labels[key]) > 1)


def _order(seed: int, store: PixelStore, *, rows: list[int]) -> bytes:
    """What a set of rows is sorted by: random, but the same wherever the pictures are the same."""
    contents = sorted(store.contents.hashes[row].tobytes() for row in rows)
    return hashlib.sha256(str(seed).encode() + b"|" + b"".join(contents)).digest()


def write_manifest(path: Path, catalog: Catalog, *, store: PixelStore, split: Split) -> None:
    """Write path, content hash, label and split of every picture: a table that can be read."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(MANIFEST)
    for row, name in enumerate(split.assigned):
        url = absolute_url(catalog.sources[row].name)
        writer.writerow(
            (url, store.contents.hex(row), catalog.labels[row], name, catalog.groups[row] or "")
        )
    write_whole(path, text.getvalue())
