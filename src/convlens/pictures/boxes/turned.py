"""Whether boxes were drawn on a picture as it is stored, or as EXIF turns it."""

from collections.abc import Sequence

from .boxes import SIDEWAYS, Corners, Fault
from .meaning import INSIDE, PIXEL_LIMIT, to_corners
from .raw import RawPicture, RawSet
from .reading import Reading
from .upright import Head


def frame_of(head: Head, stored: bool) -> tuple[int, int]:
    """Width and height of a picture as its boxes were drawn on it."""
    width, height, orientation = head
    return (height, width) if orientation >= SIDEWAYS and not stored else (width, height)


def drawn_as_stored(
    pictures: Sequence[RawPicture],
    heads: Sequence[Head],
    *,
    values: Sequence[Corners],
    reading: Reading,
    raw: RawSet,
) -> list[bool]:
    """Of each picture, whether its boxes were drawn on it as it is stored, EXIF or not.

    The size that its labels say tells, where the picture lies on its side; or a box that fits in
    one way only. What holds for these holds for those that do not tell. Where none does, boxes
    were drawn on what is seen.
    """
    in_pixels = (
        len(raw.corners) == 1
        and max((float(numbers.max(initial=0)) for numbers in values), default=0) >= PIXEL_LIMIT
    )
    told: list[bool | None] = []
    for one, (width, height, orientation), numbers in zip(pictures, heads, values, strict=True):
        stored: bool | None = None
        if orientation >= SIDEWAYS and width != height:
            if one.size in {(width, height), (height, width)}:
                stored = one.size == (width, height)
            elif in_pixels and len(numbers):
                right, bottom = to_corners(numbers, raw.corners[0])[:, 2:].max(0)
                as_stored = right <= width + INSIDE and bottom <= height + INSIDE
                as_seen = right <= height + INSIDE and bottom <= width + INSIDE
                stored = as_stored if as_stored != as_seen else None
        told.append(stored)
    votes = [stored for stored in told if stored is not None]
    usual = sum(votes) > len(votes) / 2
    if reading.turned is not None:
        return [reading.turned == "stored"] * len(told)
    undecided = [
        one
        for one, (_, _, turn), stored in zip(pictures, heads, told, strict=True)
        if turn > 1 and stored is None and one.values
    ]
    how, other = ("stored", "seen") if usual else ("seen", "stored")
    raw.faults += [
        Fault(
            "orientation",
            one.source.name,
            f"its boxes are taken to be drawn on it as it is {how} (--boxes {other}: as {other})",
            one.source,
        )
        for one in undecided
    ]
    return [usual if stored is None else stored for stored in told]
