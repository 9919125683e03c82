"""Pictures unlike the others: grey ones among coloured ones, of one tone, tiny."""

from collections.abc import Iterator
from statistics import median

from ..errors import PictureError
from ..parallel import in_order
from ..pictures.formats.opening import largest_sample
from ..progress import Progress
from .findings import Finding, Pictures

FLAT, FAINT = 16, 64
"""Levels of 255 in which a picture of nearly one tone lies: 12 bits in 16 do, and 14 bits in 16."""
GREY = 2
"""Largest difference between a grey picture's channels, of 255."""
RARE = 0.2
"""Grey ones among colour, or colour among grey, are worth a word up to this share."""
TINY = 0.25
"""A picture is tiny where its shorter side is below this share of the median."""


def odd_colours(pictures: Pictures, progress: Progress) -> Iterator[Finding]:
    """Findings on a few grey pictures among coloured ones, or the other way round."""

    def is_grey(index: int) -> bool:
        pixels = pictures.store.pixels[index]
        return bool((pixels.max(2) - pixels.min(2)).max() <= GREY)

    indices = pictures.store.rows.tolist()
    grey: list[int] = []
    coloured: list[int] = []
    for row, picture_is_grey in enumerate(in_order(is_grey, indices)):
        (grey if picture_is_grey else coloured).append(row)
        progress("looking for grey pictures", row + 1, len(indices))
    for kind, what, rows in (
        ("grey", "grey pictures among coloured ones", grey),
        ("coloured", "coloured pictures among grey ones", coloured),
    ):
        if 0 < len(rows) <= RARE * len(indices):
            yield Finding(
                kind,
                f"{len(rows):,} {what}",
                training="uses them as they are",
                pictures=pictures.names([row] for row in rows),
            )


def one_tone(pictures: Pictures, progress: Progress) -> Iterator[Finding]:
    """Findings on pictures that are nearly black, white or of another tone, and on the cause."""

    def contrast(index: int) -> int:
        pixels = pictures.store.pixels[index]
        return int(pixels.max()) - int(pixels.min())

    indices = pictures.store.rows.tolist()
    flat: list[int] = []
    unscaled: dict[int, int] = {}
    for row, levels in enumerate(in_order(contrast, indices)):
        if levels <= FAINT and (bits := _unscaled_bits(pictures, row)):
            unscaled[row] = bits
        elif levels <= FLAT:
            flat.append(row)
        progress("looking for pictures of one tone", row + 1, len(indices))
    if unscaled:
        bits = max(unscaled.values())
        yield Finding(
            "unscaled",
            f"{len(unscaled):,} pictures are nearly of one tone: these look like {bits} bits "
            f"stored in 16, so multiply their values by {2 ** (16 - bits)}",
            training="uses them as they are",
            pictures=pictures.names([row] for row in unscaled),
        )
    if flat:
        yield Finding(
            "one_tone",
            f"{len(flat):,} pictures are nearly of one tone: their pixels lie within {FLAT} levels "
            "of 255",
            training="uses them as they are",
            pictures=pictures.names([row] for row in flat),
        )


def _unscaled_bits(pictures: Pictures, row: int) -> int:
    """How many of its 16 bits a picture uses, where that is at most 14; else 0."""
    try:
        bits = largest_sample(pictures.catalog.sources[row].read()).bit_length()
    except PictureError:
        return 0
    return bits if bits <= 14 else 0


def tiny(pictures: Pictures) -> Iterator[Finding]:
    """A finding on pictures that are much smaller than the others."""
    sides = pictures.shorter_sides
    limit = TINY * median(sides) if sides else 0
    rows = [row for row, side in enumerate(sides) if side < limit]
    if rows:
        yield Finding(
            "tiny",
            f"{len(rows):,} pictures have a side below {limit:.0f} pixels, a quarter of the usual",
            training="enlarges them",
            pictures=pictures.names([row] for row in rows),
        )
