"""From a folder of pictures to examples: catalog, pixels, split, and one hash over all of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import ConvlensError, PictureError
from ..network.auto import auto_size
from ..options import DataOptions
from ..pictures.catalog import SPLITS, Catalog, listed
from ..pictures.crops.background import with_background
from ..pictures.decode import decode
from ..pictures.duplicates.near_duplicates import near_duplicate_clusters
from ..pictures.read import read_catalog
from ..pictures.shards.read import ShardSource
from ..pictures.splits import EXCLUDED, Split, make_split
from ..pictures.store import PixelStore, open_store
from ..progress import Progress
from ..tasks.classification.labels import class_indices, classes_of
from .examples import Examples
from .teacher import Lessons, Teacher, with_more_to_learn

LIKE_HELD_OUT = "it looks like a picture that is held out"
"""Why a picture without a label is not learnt from."""


@dataclass(frozen=True)
class Dataset:
    """Readable pictures with their pixels and splits; `skipped`: what was not readable and why.

    `classes` are those that a training picture is of; pictures of others are excluded. `lessons`
    are a teacher's, for each row.
    """

    catalog: Catalog
    store: PixelStore
    _: KW_ONLY
    split: Split
    classes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    lessons: Lessons | None = None

    def subset(self, name: str) -> Catalog:
        """The catalog of one split: `train`, `val` or `test`."""
        return self.catalog.take(self.split.rows(name))

    def examples(self, name: str) -> Examples:
        """Pixels and labels of one split; labels are indices into `classes`."""
        return self.examples_of(self.split.rows(name))

    def examples_of(self, rows: list[int]) -> Examples:
        """Pixels and labels of any rows of the catalog."""
        labels = [self.catalog.labels[row] for row in rows]
        groups = np.array(self.split.groups, np.int64)[rows]
        return Examples(
            self.store.pixels,
            self.store.rows[rows],
            labels=class_indices(labels, self.classes),
            classes=len(self.classes),
            groups=groups,
            lessons=None if self.lessons is None else self.lessons.probabilities[rows],
        )

    def take(self, rows: list[int]) -> "Dataset":
        """The same with only the given rows of the catalog."""
        assigned, groups = self.split.assigned, self.split.groups
        return replace(
            self,
            catalog=self.catalog.take(rows),
            store=self.store.take(rows),
            split=Split(tuple(assigned[r] for r in rows), tuple(groups[r] for r in rows)),
            lessons=None if self.lessons is None else self.lessons.take(rows),
        )

    def for_training(self) -> "Dataset":
        """The same with every picture to learn from, but for those that are excluded."""
        rows = (row for row, name in enumerate(self.split.assigned) if name != EXCLUDED)
        return self.with_splits(dict.fromkeys(rows, "train"))

    def with_splits(self, splits: Mapping[int, str]) -> "Dataset":
        """The same with other splits for some rows of the catalog."""
        assigned = tuple(splits.get(row, name) for row, name in enumerate(self.split.assigned))
        return replace(self, split=replace(self.split, assigned=assigned))

    def fingerprint(self) -> str:
        """SHA-256 over every picture's content, label and split; file names do not enter."""
        lines = sorted(
            f"{self.store.contents.hex(row)} {label} {name}"
            for row, (label, name) in enumerate(
                zip(self.catalog.labels, self.split.assigned, strict=True)
            )
        )
        text = "\n".join(lines).encode("utf-8", "surrogateescape")
        return hashlib.sha256(text).hexdigest()

    def counts(self) -> dict[str, dict[str, int]]:
        """Pictures per split and class."""
        return {name: self.subset(name).counts() for name in SPLITS if self.split.rows(name)}


def median_side(catalog: Catalog, sample: int = 48) -> float:
    """Median of the shorter side, in pixels, of pictures spread over the catalog."""
    sides = []
    for row in np.linspace(0, len(catalog) - 1, min(sample, len(catalog))).astype(int):
        source = catalog.sources[row]
        if isinstance(source, ShardSource):
            sides += [source.side] if source.side else []
            continue
        try:
            sides.append(min(decode(source.read()).shape[:2]))
        except PictureError:
            continue
    return float(np.median(sides)) if sides else 0.0


def prepare(
    pictures: str | Path,
    options: DataOptions,
    *,
    progress: Progress,
    usual_size: int | None = None,
    teacher: Teacher | None = None,
) -> Dataset:
    """Read, decode and split a data set. Raises `ConvlensError` where too little is left.

    Without `options.size`, pictures come to the network's usual size, or, where it has none, to one
    that follows from the pictures. A `teacher` is asked about training pictures, and about its own.
    """
    catalog = read_catalog(pictures)
    if options.group is not None:
        catalog = catalog.grouped(options.group)
    if catalog.only_group is not None and any(options.fractions(len(catalog))):
        raise ConvlensError(
            f"all pictures are of one group, {catalog.only_group!r}, and a group is not parted, so "
            "that none could be held out: give groups that differ (--group, or the column), or none"
        )
    _classes(catalog, where=str(pictures), skipped=catalog.skipped)
    if options.background is not None:
        catalog = with_background(catalog, options.background)
    labelled = len(catalog)
    if teacher is not None:
        catalog = teacher.with_unlabelled(catalog)
    size = options.size or usual_size or auto_size(median_side(catalog))
    store = open_store(catalog, size, progress=progress)
    bad = [(catalog.names[row], reason) for row, reason in store.bad.items()]
    if len(bad) == len(catalog):
        raise ConvlensError(
            f"none of the {len(bad)} files in {pictures} is a picture:{listed(bad)}"
        )
    whole = catalog
    labelled -= sum(row < labelled for row in store.bad)
    catalog, store = store.without_bad(catalog)
    skipped = (*whole.classes_lost(catalog), *catalog.skipped, *bad)
    where = f"what can be read of {pictures}"
    _classes(catalog, where=where, skipped=skipped)
    near = near_duplicate_clusters(store, progress)
    test, val = options.fractions(labelled)
    rows = list(range(labelled))
    all_labelled = labelled == len(catalog)
    split = make_split(
        catalog if all_labelled else catalog.take(rows),
        store if all_labelled else store.take(rows),
        near=near,
        seed=options.seed,
        test_fraction=test,
        val_fraction=val,
    )
    if not all_labelled:
        rows, split = with_more_to_learn(split, near[store.rows])
        like_held_out = sorted({*range(len(catalog))} - {*rows})
        skipped += tuple((catalog.names[row], LIKE_HELD_OUT) for row in like_held_out)
        catalog, store = catalog.take(rows), store.take(rows)
    learnt = catalog.take([row for row in split.rows("train") if row < labelled])
    if len(learnt.classes) < 2:
        only = ", ".join(map(repr, learnt.classes)) or "none"
        missing = ", ".join(repr(k) for k in catalog.classes if k not in learnt.classes)
        raise ConvlensError(
            f"the pictures left for training are of one class at most, {only}, and of {missing} "
            "there is none: add some, or hold fewer out (--test-fraction, --val-fraction)"
        )
    where = f"what there is to train on of {pictures}"
    classes = _classes(learnt, where=where, skipped=skipped)
    split = _without_unlearnt(split, catalog, classes=classes, labelled=labelled)
    lessons = None
    if teacher is not None:
        catalog, lessons = teacher.teach(
            catalog, split, classes=classes, labelled=labelled, progress=progress
        )
    return Dataset(
        catalog,
        store,
        split=split,
        classes=classes,
        skipped=skipped,
        lessons=lessons,
    )


def _classes(
    catalog: Catalog, *, where: str, skipped: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """The classes; where they are too few, the error says what may be meant or was passed over."""
    try:
        return classes_of(catalog.labels, where)
    except ConvlensError as error:
        remarks = "".join(f"\n  {remark}" for remark in catalog.remarks)
        raise ConvlensError(f"{error}{remarks}{listed(skipped)}") from error


def _without_unlearnt(
    split: Split, catalog: Catalog, *, classes: tuple[str, ...], labelled: int
) -> Split:
    """The same without pictures of classes that no training picture is of: a typo, often.

    From row `labelled` on, pictures have no labels yet.
    """
    learnt = set(classes)
    assigned = (
        name if row >= labelled or label in learnt else EXCLUDED
        for row, (name, label) in enumerate(zip(split.assigned, catalog.labels, strict=True))
    )
    return replace(split, assigned=tuple(assigned))
