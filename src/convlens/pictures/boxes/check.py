"""What is wrong with boxes: what can be mended is mended, the rest is left out, all is told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..source import Source
from .boxes import Boxes, Corners, Fault
from .meaning import INSIDE, PIXEL_LIMIT, SHARE_LIMIT

SAME = 0.5
"""Pixels by which the edges of the same box, drawn twice, differ at most."""
SPECK = 0.1
"""A box is a speck below this share of the median side of its class."""
WHOLE = 0.99
"""A box is of the whole picture from this share of its area on."""


def check(
    boxes: Boxes, values: Corners, size: tuple[int, int], source: Source, *, units: str
) -> tuple[Boxes, list[Fault]]:
    """Boxes as they can be learnt, and what was wrong with them.

    Args:
        boxes: As they are written, in pixels of the picture as seen.
        values: The same numbers [n, 4] as they stand in the data.
        size: The picture's width and height as seen.
        source: The picture.
        units: What the numbers are: `relative` or `pixels`.
    """
    if _are_sound(boxes, values, size, units=units):
        return boxes, []
    faults: list[Fault] = []
    xyxy = boxes.xyxy
    left_out = np.zeros(len(boxes), np.bool_)

    def note(kind: str, marked: npt.NDArray[np.bool_], what: Callable[[int], str]) -> None:
        for index in np.flatnonzero(marked & ~left_out).tolist():
            left, top, right, bottom = boxes.xyxy[index].tolist()
            box = (left, top, right, bottom)
            faults.append(Fault(kind, boxes.where(index), what(index), source, box))

    def drop(kind: str, marked: npt.NDArray[np.bool_], what: Callable[[int], str]) -> None:
        note(kind, marked, what)
        left_out[marked] = True

    def shown(index: int) -> str:
        return ", ".join(f"{value:g}" for value in values[index])

    def any_of(marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        return np.asarray(marked.any(1), np.bool_)

    largest = np.abs(values).max(1, initial=0.0)
    edge = np.array(size, np.float64)
    if units == "relative":
        drop("absolute", largest >= PIXEL_LIMIT, lambda i: f"{shown(i)} are no shares of a picture")
    elif min(size) > PIXEL_LIMIT:
        fractions = any_of(values != np.round(values))
        drop(
            "relative",
            (largest <= SHARE_LIMIT) & fractions,
            lambda i: f"{shown(i)} are shares of the picture, among pixels",
        )
    swapped = any_of(xyxy[:, 2:] < xyxy[:, :2])
    note("swapped", swapped, lambda i: f"right is left of left, or bottom above top: {shown(i)}")
    xyxy = np.concatenate(
        (np.minimum(xyxy[:, :2], xyxy[:, 2:]), np.maximum(xyxy[:, :2], xyxy[:, 2:])), 1
    )
    drop("empty", any_of(xyxy[:, 2:] <= xyxy[:, :2]), lambda i: f"it has no area: {shown(i)}")
    outside = any_of(xyxy[:, 2:] <= 0) | any_of(xyxy[:, :2] >= edge)
    drop("outside", outside, lambda i: f"{shown(i)} in {size[0]}×{size[1]} pixels")
    beyond = any_of(xyxy[:, :2] < -INSIDE) | any_of(xyxy[:, 2:] > edge + INSIDE)
    note("beyond", beyond, lambda i: f"{shown(i)} in {size[0]}×{size[1]} pixels")
    xyxy = np.clip(xyxy, 0, np.tile(edge, 2))
    drop(
        "doubled",
        _doubled(xyxy, boxes.labels, left_out),
        lambda i: f"{shown(i)} stands there twice",
    )
    area = (xyxy[:, 2:] - xyxy[:, :2]).prod(1)
    note("whole", area >= WHOLE * edge.prod(), lambda i: f"{shown(i)} is the whole picture")
    kept = np.flatnonzero(~left_out)
    extras = tuple(boxes.extras[i] for i in kept.tolist()) if boxes.extras else ()
    columns = {k: getattr(boxes, k)[kept] for k in ("labels", "crowd", "difficult", "places")}
    return replace(boxes, xyxy=xyxy[kept], extras=extras, **columns), faults


def _are_sound(boxes: Boxes, values: Corners, size: tuple[int, int], *, units: str) -> bool:
    """Whether nothing can be wrong with boxes, as with most pictures: told at once."""
    if not len(boxes):
        return True
    first, second = boxes.xyxy[:, :2], boxes.xyxy[:, 2:]
    sides = second - first
    order = np.lexsort((first[:, 0], boxes.labels))
    apart = (np.diff(boxes.labels[order]) != 0) | (np.diff(first[order, 0]) > SAME)
    largest = np.abs(values).max(1)
    alike = largest.max() < PIXEL_LIMIT if units == "relative" else largest.min() > SHARE_LIMIT
    return bool(
        alike
        and first.min() >= 0
        and (second <= size).all()
        and sides.min() > 0
        and sides.prod(1).max() < WHOLE * size[0] * size[1]
        and apart.all()
    )


def _doubled(
    xyxy: Corners, labels: npt.NDArray[np.int64], left_out: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Boxes that stand before them already: the same class at the same place."""
    again = np.zeros(len(xyxy), np.bool_)
    order = np.lexsort((np.arange(len(xyxy)), xyxy[:, 0], labels))
    for position, index in enumerate(order.tolist()):
        for earlier in order[:position][::-1].tolist():
            far = xyxy[index, 0] - xyxy[earlier, 0] > SAME
            if labels[earlier] != labels[index] or far:
                break
            if again[earlier] or left_out[earlier] or left_out[index]:
                continue
            if np.abs(xyxy[earlier] - xyxy[index]).max() <= SAME:
                again[index] = True
                break
    return again


def specks(boxes: Sequence[Boxes], sources: Sequence[Source]) -> Iterator[Fault]:
    """Boxes that are far smaller than others of their class: slips of the mouse, often."""
    sides = [np.sqrt((one.xyxy[:, 2:] - one.xyxy[:, :2]).prod(1)) for one in boxes]
    by_class: dict[int, list[float]] = {}
    for one, of_one in zip(boxes, sides, strict=True):
        for label, side in zip(one.labels.tolist(), of_one.tolist(), strict=True):
            by_class.setdefault(label, []).append(side)
    usual = {label: float(np.median(of_class)) for label, of_class in by_class.items()}
    for one, of_one, source in zip(boxes, sides, sources, strict=True):
        for index, (label, side) in enumerate(
            zip(one.labels.tolist(), of_one.tolist(), strict=True)
        ):
            if side < SPECK * usual[label]:
                left, top, right, bottom = one.xyxy[index].tolist()
                what = (
                    f"{right - left:g}×{bottom - top:g} pixels, where {usual[label]:.0f} are usual"
                )
                box = (left, top, right, bottom)
                yield Fault("speck", one.where(index), what, source, box)
