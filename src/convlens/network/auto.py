"""`--network auto`: a sound residual network for the pictures' size and number, in text."""

LARGEST_AUTO_SIZE = 176
"""Beyond this side, training from scratch on a processor gains less than it costs."""
STRIDED = 64
"""From this side on the stem halves it."""
SMALLEST_STAGE = 8
"""Side of the smallest map that a stage takes, and halves."""
WIDTHS = ((500, 16), (20_000, 48))
"""Filters of the stem below so many training pictures."""
WIDEST = 64
"""Filters of the stem for more."""


def auto_size(median_side: float) -> int:
    """The side to answer from: the largest of 32, 48, 64, 96, 128, 176 that the median fills."""
    sides = (32, 48, 64, 96, 128, LARGEST_AUTO_SIZE)
    return max((side for side in sides if side <= median_side), default=sides[0])


def auto_network(size: int, pictures: int) -> str:
    """A residual network (He et al. 2015): a stem, then stages of doubling width.

    Each stage is a convolution, pooling, and a residual block on the smaller map, where it costs a
    quarter. The width grows with the number of training pictures, since a wide network on few
    pictures only costs time.
    """
    width = next((width for below, width in WIDTHS if pictures < below), WIDEST)
    strided = size >= STRIDED
    side = size // 2 if strided else size
    layers = [f"conv {width} 3x3 same{' stride 2' if strided else ''}, norm"]
    while side >= SMALLEST_STAGE:
        conv = f"conv {width} 3x3 same, norm"
        layers += [conv, "pool 2", f"residual [{conv}, {conv}]"]
        side //= 2
        width *= 2
    return ", ".join([*layers, "gap", "dropout 0.3"])
