"""What is wrong with boxes, what was done about it, and how many there are of each class."""

from collections import Counter
from collections.abc import Iterator
from statistics import median

import numpy as np
import numpy.typing as npt

from ..dataset.notes import LEARNABLE
from ..pictures.boxes.boxes import BoxCatalog
from ..pictures.catalog import SPLITS
from ..tasks.classification.labels import unequal
from ..training.boxes.canvas_choice import choose_canvas
from .classes import SHOWN, ClassRow
from .findings import Finding, Pictures

FAULTS = {
    "unreadable": ("objects cannot be read", "leaves them out"),
    "unnamed": ("objects or sets of them have a class without a name", "calls it by its number"),
    "relative": ("boxes are shares of their pictures, among pixels", "leaves them out"),
    "absolute": ("boxes are pixels, among shares of pictures", "leaves them out"),
    "one_based": ("set of boxes counts pixels from 1", "goes by what is said here"),
    "size": ("pictures have another size than their labels say", "goes by what is said here"),
    "orientation": ("pictures are turned by EXIF", "goes by what is said here"),
    "swapped": ("boxes have swapped corners", "swaps them back"),
    "empty": ("boxes have no area", "leaves them out"),
    "outside": ("boxes lie outside their pictures", "leaves them out"),
    "beyond": ("boxes stick out of their pictures", "cuts them at the edge"),
    "doubled": ("boxes stand there twice", "takes them once"),
    "speck": (
        "boxes are far smaller than others of their class: slips of the mouse, often",
        "learns them: look whether they are meant",
    ),
    "whole": ("boxes are of whole pictures", "learns them: look whether that is meant"),
}
"""What is said of each kind of fault after its number, and what training does."""
SMALL = 8
"""Pixels of the side of small objects, as training sees them."""
MATTERS = 0.01
"""Small objects are worth a word from this share of all on."""


def box_rows(catalog: BoxCatalog) -> Iterator[ClassRow]:
    """The classes of every split."""
    for split in (*SPLITS, None):
        rows = catalog.rows_of(split)
        for index, label in enumerate(catalog.classes):
            of_class = [catalog.boxes[row].labels == index for row in rows]
            sides = np.concatenate(
                [_sides(catalog, row)[m] for row, m in zip(rows, of_class, strict=True)] or [[]]
            )
            if len(sides):
                yield ClassRow(
                    split or "all",
                    label,
                    pictures=sum(bool(marked.any()) for marked in of_class),
                    smallest=max(1, round(float(sides.min()))),
                    median=round(median(sides.tolist())),
                    largest=round(float(sides.max())),
                    boxes=len(sides),
                )


def _sides(catalog: BoxCatalog, row: int) -> npt.NDArray[np.float64]:
    """The side of a square of each object's area, in pixels."""
    xyxy = catalog.boxes[row].xyxy
    sides: npt.NDArray[np.float64] = np.sqrt((xyxy[:, 2:] - xyxy[:, :2]).prod(1))
    return sides


def box_faults(catalog: BoxCatalog) -> Iterator[Finding]:
    """Findings on what was mended or left out, with file and line."""
    for kind, (what, training) in FAULTS.items():
        faults = [fault for fault in catalog.faults if fault.kind == kind]
        if faults:
            yield Finding(
                kind,
                f"{len(faults):,} {what}",
                training=training,
                pictures=tuple((f"{fault.where}: {fault.what}",) for fault in faults),
            )


def without_objects(catalog: BoxCatalog) -> Iterator[Finding]:
    """Findings on pictures without labels, without objects, and with crowds."""
    names = catalog.names
    empty = [row for row, boxes in enumerate(catalog.boxes) if not len(boxes)]
    for kind, what, training, rows in (
        (
            "unlabelled",
            "pictures have no label file, which in YOLO's folders says that nothing is there",
            "takes them for pictures without objects: if nobody looked at them, move them away",
            [row for row, labelled in enumerate(catalog.labelled) if not labelled],
        ),
        (
            "no_objects",
            "pictures were looked at and show no object",
            "learns from them that nothing is there",
            [row for row in empty if catalog.labelled[row]],
        ),
        (
            "crowds",
            "pictures have boxes around crowds",
            "learns no object from those boxes, and counts nothing found in them as wrong",
            [row for row, boxes in enumerate(catalog.boxes) if boxes.crowd.any()],
        ),
    ):
        if rows:
            found = tuple((names[row],) for row in rows)
            yield Finding(kind, f"{len(rows):,} {what}", training=training, pictures=found)


def few_boxes(catalog: BoxCatalog) -> Iterator[Finding]:
    """Findings on classes with no box, none to train on, few, or far fewer than others."""
    counts = catalog.counts(crowds=False)
    learnt = Counter(
        catalog.classes[label]
        for split, boxes in zip(catalog.splits, catalog.boxes, strict=True)
        if split in {"train", None}
        for label in boxes.labels[~boxes.crowd].tolist()
    )
    for kind, what, training, labels in (
        (
            "no_boxes",
            "classes are named and have no box",
            "cannot learn them, and never answers with them",
            [label for label, count in counts.items() if not count],
        ),
        (
            "no_training_boxes",
            "classes have no box in a training picture",
            "cannot learn them, and never answers with them",
            [label for label, count in counts.items() if count and not learnt[label]],
        ),
        (
            "too_few_to_learn",
            f"classes have fewer than {LEARNABLE} boxes, too few to learn",
            "tries, with little hope: add pictures",
            [label for label, count in learnt.items() if 0 < count < LEARNABLE],
        ),
    ):
        if labels:
            shown = ", ".join(f"{label!r} ({counts[label]})" for label in labels[:SHOWN])
            ellipsis = ", …" if len(labels) > SHOWN else ""
            yield Finding(kind, f"{len(labels):,} {what}: {shown}{ellipsis}", training=training)
    if unequal(learnt.values()):
        yield Finding(
            "unequal",
            f"classes are unequal: {max(learnt.values()):,} boxes of the commonest, "
            f"{min(learnt.values()):,} of the rarest",
            training="learns the rare ones less well",
        )


def small_objects(catalog: BoxCatalog, side: int | None) -> Iterator[Finding]:
    """A finding on objects that are very small on the canvas of a training that has the time."""
    if not len(catalog):
        return
    canvas = choose_canvas(catalog, side)
    shown = []
    for row in range(len(catalog)):
        width, height = catalog.seen_size(row)
        shown.append(_sides(catalog, row) * min(canvas.height / height, canvas.width / width))
    all_sides = np.concatenate(shown) if shown else np.zeros(0)
    small = all_sides < SMALL
    if len(all_sides) and small.mean() >= MATTERS:
        rows = [row for row, sides in enumerate(shown) if (sides < SMALL).any()]
        yield Finding(
            "small_objects",
            f"{small.sum():,} objects ({small.mean():.0%}) are smaller than {SMALL}×{SMALL} pixels "
            f"on the canvas of {canvas.width}×{canvas.height} pixels that training takes",
            training="hardly finds them: train on a larger canvas (--size), or parts of pictures",
            pictures=tuple((catalog.names[row],) for row in rows),
        )


def copies_differ(pictures: Pictures, catalog: BoxCatalog) -> Iterator[Finding]:
    """A finding on the very same picture with other boxes."""

    def said(row: int) -> list[tuple[object, ...]]:
        boxes = catalog.boxes[row]
        rows = zip(boxes.labels.tolist(), boxes.xyxy.round(1).tolist(), strict=True)
        return sorted((label, *box) for label, box in rows)

    differing = [
        rows
        for rows in pictures.exact_duplicates()
        if any(said(row) != said(rows[0]) for row in rows[1:])
    ]
    if differing:
        yield Finding(
            "copies_differ",
            f"{len(differing):,} pictures are there several times, with other boxes each time",
            training="learns them as they are: look which boxes are right",
            pictures=pictures.names(differing),
        )
