"""How many pictures each class has, and classes with too few of them."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from statistics import median

from ..dataset.notes import LEARNABLE, MEASURABLE
from ..pictures.catalog import SPLITS, Catalog, PictureTable
from ..tasks.classification.labels import unequal
from .findings import Finding

SHOWN = 10
"""Classes that a finding names."""


@dataclass(frozen=True)
class ClassRow:
    """One class in one split: how many pictures, and their shorter sides in pixels.

    `split` is `all` where the data does not say. Where pictures have boxes, `boxes` is how many
    there are of the class, and the sides are theirs: square roots of their areas.
    """

    split: str
    label: str
    _: KW_ONLY
    pictures: int
    smallest: int
    median: int
    largest: int
    boxes: int | None = None


def class_rows(catalog: Catalog, shorter_sides: Sequence[int]) -> Iterator[ClassRow]:
    """The classes of every split."""
    sides: dict[tuple[str | None, str], list[int]] = {}
    for split, label, side in zip(catalog.splits, catalog.labels, shorter_sides, strict=True):
        sides.setdefault((split, label), []).append(side)
    for split in (*SPLITS, None):
        for label in catalog.classes:
            if (split, label) in sides:
                of_class = sides[split, label]
                yield ClassRow(
                    split or "all",
                    label,
                    pictures=len(of_class),
                    smallest=min(of_class),
                    median=round(median(of_class)),
                    largest=max(of_class),
                )


def labels_alike(catalog: PictureTable) -> Iterator[Finding]:
    """Findings on labels that are written in several ways, or not in UTF-8."""
    for remark in catalog.remarks:
        yield Finding("labels", remark, training="says so: rename what is not meant so")


def few_pictures(catalog: Catalog) -> Iterator[Finding]:
    """Findings on classes that are small, or much smaller than others, or not for training."""
    counts = catalog.counts()
    learnt = {
        label
        for label, split in zip(catalog.labels, catalog.splits, strict=True)
        if split in {"train", None}
    }
    unlearnt = [label for label in counts if label not in learnt]
    if unlearnt:
        yield Finding(
            "no_training_pictures",
            f"{len(unlearnt):,} classes have no training picture: "
            + ", ".join(f"{label!r} ({counts[label]})" for label in unlearnt[:SHOWN])
            + (", …" if len(unlearnt) > SHOWN else ""),
            training="leaves their pictures out, and never answers with them",
        )
    counts = {label: count for label, count in counts.items() if label in learnt}
    for kind, what, training, labels in (
        (
            "too_few_to_learn",
            f"fewer than {LEARNABLE} pictures, too few to learn",
            f"learns them as well as so few allow: add pictures, {MEASURABLE} of each are enough",
            [label for label, count in counts.items() if count < LEARNABLE],
        ),
        (
            "too_few_to_judge",
            f"fewer than {MEASURABLE} pictures, too few to judge",
            f"gives metrics for them that rest on fewer than {MEASURABLE // 5} held-out pictures",
            [label for label, count in counts.items() if LEARNABLE <= count < MEASURABLE],
        ),
    ):
        if labels:
            shown = ", ".join(f"{label!r} ({counts[label]})" for label in labels[:SHOWN])
            ellipsis = ", …" if len(labels) > SHOWN else ""
            yield Finding(
                kind,
                f"{len(labels):,} of {len(counts):,} classes have {what}: {shown}{ellipsis}",
                training=training,
            )
    if unequal(counts.values()):
        most, fewest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        yield Finding(
            "unequal",
            f"classes are unequal: {counts[most]:,} pictures of {most!r}, {counts[fewest]:,} of "
            f"{fewest!r}",
            training="makes every class count alike (--balance off: every picture)",
        )
