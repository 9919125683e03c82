"""What was wrong with the pictures, and what training does about it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ..pictures.splits import EXCLUDED
from ..tasks.classification.labels import unequal

if TYPE_CHECKING:
    from .prepare import Dataset

REASONS = 6
"""That are shown of why files were left out."""
LEARNABLE, MEASURABLE = 10, 50
"""A class with fewer pictures is too small to learn; or to measure, as a fifth is held out."""


@dataclass(frozen=True)
class Note:
    """A fact about the pictures and what is done about it; `warn`: to be said before training."""

    what: str
    done: str
    warn: bool = False


def notes_about(dataset: "Dataset", balanced: bool) -> list[Note]:
    """What the user should know; `balanced`: every class counts alike."""
    return [
        *_labels(dataset),
        *_not_learnt(dataset),
        *_left_out(dataset),
        *_excluded(dataset),
        *_kept_together(dataset),
        *_few_pictures(dataset),
        *_unequal_classes(dataset, balanced),
    ]


def _counts(dataset: "Dataset") -> dict[str, int]:
    """Pictures of each class that is learnt."""
    return {k: n for k, n in dataset.catalog.counts().items() if k in dataset.classes}


def _labels(dataset: "Dataset") -> Iterator[Note]:
    for remark in dataset.catalog.remarks:
        yield Note(remark, "rename what is not meant so", warn=True)


def _not_learnt(dataset: "Dataset") -> Iterator[Note]:
    for label, count in dataset.catalog.counts().items():
        if label not in dataset.classes:
            alike = get_close_matches(label, dataset.classes, 1)
            meant = f" (is it {alike[0]!r}?)" if alike else ""
            yield Note(
                f"class {label!r}{meant} has no training picture, so it cannot be learnt",
                f"it is never the answer, and its pictures ({count:,}) are left out",
                warn=True,
            )


def _left_out(dataset: "Dataset") -> Iterator[Note]:
    if dataset.skipped:
        names: dict[str, list[str]] = {}
        for name, reason in dataset.skipped:
            names.setdefault(reason, []).append(name)
        shown = "; ".join(
            f"{alike[0]}{f' and {len(alike) - 1:,} more' if alike[1:] else ''}: {reason}"
            for reason, alike in list(names.items())[:REASONS]
        )
        rest = "; …" if len(names) > REASONS else ""
        what = f"{len(dataset.skipped):,} files or folders give no pictures to learn from; "
        yield Note(what + shown + rest, "they are left out", warn=True)


def _excluded(dataset: "Dataset") -> Iterator[Note]:
    """Pictures that cannot be learnt, or would be learnt and judged by."""
    labels_of: dict[bytes, set[str]] = {}
    for pixels, label in zip(dataset.store.identities(), dataset.catalog.labels, strict=True):
        labels_of.setdefault(pixels, set()).add(label)
    rows = dataset.split.rows(EXCLUDED)
    left_out = [row for row in rows if dataset.catalog.labels[row] in dataset.classes]
    identities = dataset.store.take(left_out).identities()
    contradicted = sum(len(labels_of[pixels]) > 1 for pixels in identities)
    if contradicted:
        size = dataset.store.size
        what = f"{contradicted:,} pictures stand under two labels: the same {size}×{size} pixels"
        yield Note(what, "they are left out; 'convlens inspect' lists them", warn=True)
    if len(left_out) > contradicted:
        what = (
            f"{len(left_out) - contradicted:,} pictures stand in two splits: themselves, others "
            "that look alike, or others of their group"
        )
        done = "they are in one only: test before val before train; 'convlens inspect' lists them"
        yield Note(what, done, warn=True)


def _kept_together(dataset: "Dataset") -> Iterator[Note]:
    identities = dataset.store.identities()
    copies = [count for count in Counter(identities).values() if count > 1]
    if copies:
        what = f"{sum(copies):,} files show {len(copies):,} pictures: exact copies, the same pixels"
        yield Note(what, "copies are kept in one split")
    sets: dict[int, set[bytes]] = {}
    for group, pixels in zip(dataset.split.groups, identities, strict=True):
        sets.setdefault(group, set()).add(pixels)
    sizes = [len(different) for different in sets.values() if len(different) > 1]
    if sizes:
        grouped = " or are of one group" if any(dataset.catalog.groups) else ""
        what = (
            f"{sum(sizes):,} pictures look alike{grouped}, in {len(sizes):,} sets; the largest has "
            f"{max(sizes):,}"
        )
        yield Note(what, "each set is kept in one split, and all of it is used")


def _few_pictures(dataset: "Dataset") -> Iterator[Note]:
    counts = _counts(dataset)
    for least, below, done in (
        (
            0,
            LEARNABLE,
            "each is learnt as well as so few allow, and what is said of it alone rests on them: "
            f"add pictures, {MEASURABLE} of each are enough",
        ),
        (LEARNABLE, MEASURABLE, "that is too few to judge each well: add pictures"),
    ):
        few = [f"{label} ({n})" for label, n in counts.items() if least <= n < below]
        if few:
            shown = ", ".join(few[:8]) + (", …" if len(few) > 8 else "")
            what = f"{len(few):,} of {len(counts):,} classes have fewer than {below} pictures: "
            yield Note(what + shown, done, warn=below == LEARNABLE)


def _unequal_classes(dataset: "Dataset", balanced: bool) -> Iterator[Note]:
    counts = _counts(dataset)
    if unequal(counts.values()):
        most, fewest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        what = (
            f"classes are unequal: {counts[most]:,} pictures of {most}, {counts[fewest]:,} of "
            f"{fewest}"
        )
        done = "every class counts alike" if balanced else "every picture counts alike"
        yield Note(what, done, warn=True)
