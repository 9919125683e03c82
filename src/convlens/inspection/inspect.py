"""`convlens inspect`: what is wrong with pictures before any training, and what it will do then."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ..dataset.notes import LEARNABLE, MEASURABLE
from ..errors import PictureError, require
from ..parallel import in_order
from ..pictures.catalog import SPLITS, Catalog, read_catalog, unequal
from ..pictures.decode import dimensions
from ..pictures.hashing import Progress
from ..pictures.near_duplicates import near_duplicate_clusters
from ..pictures.store import PixelStore, open_store

if TYPE_CHECKING:
    from .label_errors import Suspect
    from .learning_curve import Curve

SIDE = 128
"""Side at which pictures are compared unless told."""
GREY = 2
"""Largest difference between a grey picture's channels, of 255."""
RARE = 0.2
"""Grey ones among colour, or colour among grey, are worth a word up to this share."""
TINY = 0.25
"""A picture is tiny where its shorter side is below this share of the median."""

_REASONS = (
    ("the file is empty", "empty", "empty files"),
    ("not a picture", "not_a_picture", "files that are no pictures"),
    ("truncated", "damaged", "truncated or damaged pictures"),
    ("", "unreadable", "unreadable files"),
)


@dataclass(frozen=True)
class Finding:
    """Something to know: `pictures` holds the names concerned, those that belong together as one.

    `kind` is for programs, `what` says it in words, `training` what training does about it.
    """

    kind: str
    what: str
    _: KW_ONLY
    training: str
    pictures: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class ClassRow:
    """One class on one side: how many pictures, and their shorter sides in pixels."""

    split: str
    label: str
    _: KW_ONLY
    pictures: int
    smallest: int
    median: int
    largest: int


@dataclass(frozen=True)
class Inspection:
    """What there is, and what is wrong with it."""

    pictures: int
    classes: tuple[ClassRow, ...]
    _: KW_ONLY
    findings: tuple[Finding, ...]
    labels: tuple["Suspect", ...] | None = None
    """Probably wrong ones, where they were looked for."""
    more: "Curve | None" = None
    """What more pictures would bring, where that was asked."""

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class _Seen:
    """Readable pictures: their pixels, shorter sides, and what tells the same and the like."""

    catalog: Catalog
    store: PixelStore
    _: KW_ONLY
    sides: tuple[int, ...]
    same: tuple[bytes, ...]
    near: tuple[int, ...]

    def clusters(self, keys: Sequence[Hashable]) -> list[list[int]]:
        """Rows with the same key, where there are two or more."""
        found: dict[Hashable, list[int]] = {}
        for row, key in enumerate(keys):
            if key is not None:
                found.setdefault(key, []).append(row)
        return [rows for rows in found.values() if len(rows) > 1]

    def near_only(self) -> list[list[int]]:
        """Clusters of near duplicates that are not all the very same picture."""
        found = self.clusters(self.near)
        return [rows for rows in found if len({self.same[row] for row in rows}) > 1]

    def names(self, clusters: Iterable[list[int]]) -> tuple[tuple[str, ...], ...]:
        """The names of the pictures in clusters."""
        return tuple(tuple(self.catalog.names[row] for row in rows) for rows in clusters)


def inspect(
    pictures: str | Path,
    size: int | None = None,
    *,
    group: str | None = None,
    labels: bool = False,
    more: bool = False,
    progress: Progress = lambda *_: None,
) -> Inspection:
    """Look at every picture of a folder or table, as `train` takes them, and train nothing.

    `size` is the side at which they are compared and kept for training; `group` a regular
    expression on the path, see `Catalog.grouped`. `labels` looks for wrong ones, too, and `more`
    for what more pictures would bring, both by heads on pretrained features of folds of them.
    Raises `ConvlensError`.
    """
    require("imagehash", "train", what="inspecting pictures")
    catalog = read_catalog(pictures)
    if group is not None:
        catalog = catalog.grouped(group)
    shorter: list[int | None] = []
    for row, side in enumerate(in_order(_shorter, catalog.sources)):
        shorter.append(side)
        progress("measuring pictures", row + 1, len(catalog))
    store = open_store(catalog, size or SIDE, progress=progress)
    reasons = [(catalog.names[row], reason) for row, reason in store.bad.items()]
    sides = tuple(side or 0 for row, side in enumerate(shorter) if row not in store.bad)
    good, store = store.without_bad(catalog)
    near = near_duplicate_clusters(store, progress)
    seen = _Seen(
        good,
        store,
        sides=sides,
        same=tuple(store.identities()),
        near=tuple(near[store.rows].tolist()),
    )
    findings = [
        *_unreadable(reasons),
        *_beside(catalog.skipped),
        *_repeated(seen),
        *_two_labels(seen),
        *_crossing(seen),
        *_small_classes(good),
        *_odd_colours(seen, progress),
        *_tiny(seen),
    ]
    suspects = curve = None
    if labels or more:
        from .features import frozen_side

        dataset, whole = frozen_side(pictures, group, progress=progress)
        if labels:
            from .label_errors import probably_wrong

            suspects = probably_wrong(dataset, whole, progress=progress)
        if more:
            from .learning_curve import learning_curve

            curve = learning_curve(whole, len(dataset.classes), progress=progress)
    return Inspection(
        len(good), tuple(_rows(seen)), findings=tuple(findings), labels=suspects, more=curve
    )


def _shorter(source: Any) -> int | None:
    try:
        return min(dimensions(source.read()))
    except PictureError:
        return None


def _rows(seen: _Seen) -> Iterator[ClassRow]:
    for split in (*SPLITS, None):
        for label in seen.catalog.classes:
            sides = [
                side
                for side, its, of in zip(
                    seen.sides, seen.catalog.splits, seen.catalog.labels, strict=True
                )
                if its == split and of == label
            ]
            if sides:
                middle = round(median(sides))
                yield ClassRow(
                    split or "all",
                    label,
                    pictures=len(sides),
                    smallest=min(sides),
                    median=middle,
                    largest=max(sides),
                )


def _unreadable(reasons: list[tuple[str, str]]) -> Iterator[Finding]:
    left = reasons
    for begins, kind, what in _REASONS:
        names = tuple((name,) for name, reason in left if reason.startswith(begins))
        left = [(name, reason) for name, reason in left if not reason.startswith(begins)]
        if names:
            yield Finding(
                kind,
                f"{len(names):,} {what}",
                training="leaves them out and lists them",
                pictures=names,
            )


def _beside(skipped: tuple[tuple[str, str], ...]) -> Iterator[Finding]:
    for reason, count in Counter(reason for _, reason in skipped).items():
        names = tuple((name,) for name, why in skipped if why == reason)
        yield Finding(
            "skipped",
            f"{count:,} × {reason}",
            training="leaves them out and lists them",
            pictures=names,
        )


def _repeated(seen: _Seen) -> Iterator[Finding]:
    exact = seen.clusters(seen.same)
    if exact:
        yield Finding(
            "exact_duplicates",
            f"{sum(map(len, exact)):,} files show {len(exact):,} pictures: exact duplicates",
            training="keeps the copies of a picture on one side of the split",
            pictures=seen.names(exact),
        )
    near = seen.near_only()
    if near:
        yield Finding(
            "near_duplicates",
            f"{sum(map(len, near)):,} pictures are in {len(near):,} clusters of near duplicates",
            training="keeps a cluster on one side of the split",
            pictures=seen.names(near),
        )


def _two_labels(seen: _Seen) -> Iterator[Finding]:
    for kind, what, training, clusters in (
        (
            "two_labels",
            "pictures stand under two labels",
            "leaves all their copies out, as they cannot be learnt",
            seen.clusters(seen.same),
        ),
        (
            "near_two_labels",
            "clusters of near duplicates stand under two labels",
            "learns them as they are: correct the labels, unless both are right",
            seen.near_only(),
        ),
    ):
        found = [rows for rows in clusters if len({seen.catalog.labels[row] for row in rows}) > 1]
        if found:
            yield Finding(
                kind, f"{len(found):,} {what}", training=training, pictures=seen.names(found)
            )


def _crossing(seen: _Seen) -> Iterator[Finding]:
    splits = seen.catalog.splits
    for kind, what, keys in (
        ("crossing", "pictures, or near duplicates of them, stand in two splits", seen.near),
        ("groups_crossing", "groups stand in two splits", seen.catalog.groups),
    ):
        found = [
            rows for rows in seen.clusters(keys) if len({splits[row] for row in rows} - {None}) > 1
        ]
        if found:
            yield Finding(
                kind,
                f"{len(found):,} {what}",
                training="leaves them out of all but one side: test before val before train",
                pictures=seen.names(found),
            )


def _small_classes(catalog: Catalog) -> Iterator[Finding]:
    counts = catalog.counts()
    for kind, what, training, few in (
        (
            "too_few_to_learn",
            f"fewer than {LEARNABLE} pictures, too few to learn",
            "tries, with little hope: add pictures",
            [label for label, count in counts.items() if count < LEARNABLE],
        ),
        (
            "too_few_to_judge",
            f"fewer than {MEASURABLE} pictures, too few to judge",
            f"gives figures for them that rest on fewer than {MEASURABLE // 5} held-out pictures",
            [label for label, count in counts.items() if LEARNABLE <= count < MEASURABLE],
        ),
    ):
        if few:
            shown = ", ".join(f"{label!r} ({counts[label]})" for label in few[:10])
            more = ", …" if len(few) > 10 else ""
            yield Finding(
                kind, f"{len(few):,} classes have {what}: {shown}{more}", training=training
            )
    if unequal(counts.values()):
        yield Finding(
            "unequal",
            f"classes are unequal: {max(counts.values()):,} pictures of the largest, "
            f"{min(counts.values()):,} of the smallest",
            training="makes every class count alike (--balance off: every picture)",
        )


def _odd_colours(seen: _Seen, progress: Progress) -> Iterator[Finding]:
    def is_grey(place: int) -> bool:
        pixels = seen.store.pixels[place]
        return bool((pixels.max(2) - pixels.min(2)).max() <= GREY)

    places = seen.store.rows.tolist()
    grey: list[bool] = []
    for found in in_order(is_grey, places):
        grey.append(found)
        progress("looking for grey pictures", len(grey), len(places))
    for kind, what, odd in (
        ("grey", "grey pictures among coloured ones", [row for row, g in enumerate(grey) if g]),
        ("coloured", "coloured pictures among grey ones", [r for r, g in enumerate(grey) if not g]),
    ):
        if 0 < len(odd) <= RARE * len(grey):
            names = seen.names([row] for row in odd)
            yield Finding(
                kind, f"{len(odd):,} {what}", training="uses them as they are", pictures=names
            )


def _tiny(seen: _Seen) -> Iterator[Finding]:
    limit = TINY * median(seen.sides) if seen.sides else 0
    odd = [row for row, side in enumerate(seen.sides) if side < limit]
    if odd:
        yield Finding(
            "tiny",
            f"{len(odd):,} pictures have a side below {limit:.0f} pixels, a quarter of the usual",
            training="enlarges them",
            pictures=seen.names([row] for row in odd),
        )
