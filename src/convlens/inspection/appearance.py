"""Pictures unlike the others: grey among coloured ones, coloured among grey ones, tiny ones."""

from collections.abc import Iterator
from statistics import median

from ..parallel import in_order
from ..progress import Progress
from .findings import Finding, Pictures

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
