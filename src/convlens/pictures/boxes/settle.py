"""From what labels say to boxes in pictures: read each picture's head, and check every box."""

from collections import Counter
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import PictureError
from ...parallel import in_order
from ...progress import Progress
from ..label import remarks_about
from ..shards.read import streamed
from ..source import Source
from .boxes import SIDEWAYS, BoxCatalog, Boxes, Corners, Fault, is_area
from .check import check, specks
from .meaning import INSIDE, Meaning, counts_from_1, meaning_of
from .raw import RawPicture, RawSet
from .reading import Reading
from .turned import drawn_as_stored, frame_of
from .upright import (
    Head,
    Move,
    Points,
    head_of,
    move_keypoints,
    move_outlines,
    turn_boxes,
    turn_points,
)


def settle(raw: RawSet, reading: Reading, *, progress: Progress) -> BoxCatalog:
    """The data set that was read, held against its pictures.

    Raises a `ConvlensError` that asks back what cannot be told.
    """
    heads = _heads(raw, progress)
    pictures = [one for one, head in zip(raw.pictures, heads, strict=True) if head is not None]
    known = [head for head in heads if head is not None]
    values = [np.array(one.values, np.float64).reshape(-1, 4) for one in pictures]
    stored = drawn_as_stored(pictures, known, values=values, reading=reading, raw=raw)
    frames = [frame_of(head, turned) for head, turned in zip(known, stored, strict=True)]
    counts = [len(one) for one in values]
    sizes = np.repeat(np.array(frames, np.float64).reshape(-1, 2), counts, 0)
    everything = np.concatenate(values) if values else np.zeros((0, 4))
    meaning = meaning_of(raw, reading, values=everything, sizes=sizes)
    settling = _Settling(
        meaning,
        {name: index for index, name in enumerate(raw.classes)},
        raw.unit,
        faults=list(raw.faults),
        lost=Counter(),
    )
    boxes = [
        settling.boxes(one, v, head=head, frame=frame, stored=turned)
        for one, v, head, frame, turned in zip(pictures, values, known, frames, stored, strict=True)
    ]
    faults = settling.faults
    if what := counts_from_1(meaning, raw, values=everything, sizes=sizes):
        faults.append(Fault("one_based", str(raw.root), what))
    faults += specks(boxes, [one.source for one in pictures])
    return BoxCatalog(
        root=raw.root.absolute(),
        sources=tuple(one.source for one in pictures),
        splits=tuple(one.split for one in pictures),
        groups=tuple(one.group for one in pictures),
        skipped=tuple(raw.skipped),
        remarks=(*remarks_about(raw.spellings), *raw.remarks),
        boxes=tuple(boxes),
        classes=tuple(raw.classes),
        numbers=tuple(raw.classes.values()),
        sizes=tuple((width, height) for width, height, _ in known),
        orientations=tuple(orientation for _, _, orientation in known),
        labelled=tuple(one.labelled for one in pictures),
        notes=tuple(one.notes for one in pictures),
        form=raw.form,
        record=raw.record,
        faults=tuple(faults),
        lost=settling.lost,
    )


def _heads(raw: RawSet, progress: Progress) -> list[Head | None]:
    """Of each picture; None of one that cannot be read, which is skipped."""

    def read(source: Source) -> Head | str:
        try:
            return head_of(source.read())
        except PictureError as error:
            return str(error)

    heads: list[Head | None] = []
    sources = [one.source for one in raw.pictures]
    for number, head in enumerate(in_order(read, streamed(sources))):
        if isinstance(head, str):
            raw.skip(sources[number].name, head)
        heads.append(None if isinstance(head, str) else head)
        progress("reading the pictures' sizes", number + 1, len(sources))
    return heads


@dataclass(frozen=True)
class _Settling:
    """What all pictures of a set share; `faults` and `lost` are added to as they are found."""

    meaning: Meaning
    numbers: dict[str, int]
    unit: str
    _: KW_ONLY
    faults: list[Fault]
    lost: Counter[str]

    def boxes(
        self, one: RawPicture, values: Corners, *, head: Head, frame: tuple[int, int], stored: bool
    ) -> Boxes:
        """The objects of a picture as it is seen."""
        width, height, orientation = head
        sizes = np.tile(np.array(frame, np.float64), (len(values), 1))
        corners = self.meaning.corners_of(values, sizes)
        scale = self._scale(one, frame, corners)
        corners = corners * np.tile(scale, 2)
        turn = orientation if stored else 1
        boxes = Boxes(
            xyxy=turn_boxes(corners, (width, height), turn),
            labels=np.array([self.numbers[label] for label in one.labels], np.int64),
            crowd=np.array(one.crowd, np.bool_),
            difficult=np.array(one.difficult, np.bool_),
            places=np.array(one.places, np.int64),
            extras=self._extras(one, frame, scale, turn=turn),
            file=one.file,
            unit=self.unit,
        )
        seen_size = (height, width) if orientation >= SIDEWAYS else (width, height)
        kept, wrong = check(boxes, values, seen_size, one.source, units=self.meaning.units)
        self.faults.extend(wrong)
        return kept

    def _scale(
        self, one: RawPicture, frame: tuple[int, int], corners: Corners
    ) -> npt.NDArray[np.float64]:
        """By how much boxes are to be scaled that were drawn on a larger or smaller copy."""
        if one.size is None or one.size == frame or one.size == frame[::-1]:
            return np.ones(2)
        scale: npt.NDArray[np.float64] = np.array(frame) / np.array(one.size)
        same_shape = abs(scale[0] / scale[1] - 1) < 0.02
        fits = bool(len(corners)) and bool((corners[:, 2:] <= np.array(one.size) + INSIDE).all())
        usable = self.meaning.units != "relative" and same_shape and fits
        done = "are scaled to it" if usable else "stay as they are"
        said = (
            f"the labels say {one.size[0]}×{one.size[1]} pixels, and it has "
            f"{frame[0]}×{frame[1]}: boxes {done}"
        )
        self.faults.append(Fault("size", one.file, said, one.source))
        return scale if usable else np.ones(2)

    def _extras(
        self,
        one: RawPicture,
        frame: tuple[int, int],
        scale: npt.NDArray[np.float64],
        *,
        turn: int,
    ) -> tuple[dict[str, Any], ...]:
        """What else is said of each object, in pixels of the picture as it is seen."""
        factor = scale * (np.array(frame) if self.meaning.units == "relative" else 1)
        if not any(one.extras):
            return ()
        if turn == 1 and (factor == 1).all():
            return tuple(one.extras)

        def move(points: Points) -> Points:
            return turn_points(points * factor, frame, turn)

        larger = float(factor.prod())
        return tuple(_moved(extras, move, larger, self.lost) for extras in one.extras)


def _moved(extras: dict[str, Any], move: Move, larger: float, lost: Counter[str]) -> dict[str, Any]:
    """The same with outlines and keypoints moved, and an area so many times as large.

    What cannot be moved, such as a mask, is left out and counted.
    """
    moved = dict(extras)
    for name, moving in (("segmentation", move_outlines), ("keypoints", move_keypoints)):
        if extras.get(name):
            moved[name] = moving(extras[name], move)
            if moved[name] is None:
                del moved[name]
                lost[f"{name} that cannot be moved"] += 1
    if is_area(extras.get("area")):
        moved["area"] = round(extras["area"] * larger, 6)
    return moved
