"""`--network auto`: a sound network for the pictures' size and number, in text."""

from collections.abc import Iterable
from math import inf

LARGEST_AUTO_SIZE = 176
"""Beyond this side, training from scratch on a processor gains less than it costs."""
STRIDED = 64
"""From this side on the stem halves it."""
SMALLEST_STAGE, SMALLEST_GROUP = 8, 7
"""Side of the smallest map that a stage, or a group of a plain network, takes and halves."""
WIDTHS = ((500, 16), (20_000, 48), (inf, 64))
"""Filters of the residual network's stem below so many training pictures."""
PLAIN_WIDTHS = ((500, 48), (20_000, 64), (inf, 96))
"""Filters of the plain network's first group below so many training pictures."""
LATER = 4
"""The plain network's later groups have so many times the filters of the first, whose maps are
large and take most of the time."""


def auto_size(median_side: float) -> int:
    """The side to answer from: the largest of 32, 48, 64, 96, 128, 176 that the median fills."""
    sides = (32, 48, 64, 96, 128, LARGEST_AUTO_SIZE)
    return max((side for side in sides if side <= median_side), default=sides[0])


def auto_network(size: int, pictures: int) -> str:
    """The network for pictures of this side, and so many to learn from.

    Small pictures get a plain one, which learns more in the same time than a residual one does;
    larger ones a residual one.
    """
    if size < STRIDED:
        return plain_network(_plain_widths(size, _width(PLAIN_WIDTHS, pictures)))
    return _residual_network(size, _width(WIDTHS, pictures))


def plain_network(widths: Iterable[int]) -> str:
    """A small first convolution, and groups of two, with so many filters (after Jordan 2024).

    Each group halves the map before it normalises it.
    """
    groups = [
        f"conv {width} 3x3 same, linear, pool 2, norm, gelu, conv {width} 3x3 same, norm, gelu"
        for width in widths
    ]
    return ", ".join(["conv 24 2x2, gelu", *groups, "gap"])


def _plain_widths(size: int, first: int) -> list[int]:
    """Of each group that the maps have room for."""
    widths: list[int] = []
    side = size - 1
    while side >= SMALLEST_GROUP:
        widths.append(LATER * first if widths else first)
        side //= 2
    return widths


def _residual_network(size: int, width: int) -> str:
    """A residual network (He et al. 2015): a stem that halves, then stages of doubling width.

    Each stage is a convolution, pooling, and a residual block on the smaller map, where it costs a
    quarter.
    """
    layers, side = [f"conv {width} 3x3 same stride 2, norm"], size // 2
    while side >= SMALLEST_STAGE:
        conv = f"conv {width} 3x3 same, norm"
        layers += [conv, "pool 2", f"residual [{conv}, {conv}]"]
        side //= 2
        width *= 2
    return ", ".join([*layers, "gap", "dropout 0.3"])


def _width(widths: Iterable[tuple[float, int]], pictures: int) -> int:
    """Fewer pictures get fewer filters, which take most of the time."""
    return next(width for below, width in widths if pictures < below)
