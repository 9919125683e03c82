"""`--network auto`: a sound residual network for the pictures' size and number, in text."""

LARGEST_AUTO_SIZE = 128
"""Beyond this side, training from scratch on a processor gains less than it costs."""

LARGE = 96
"""From this side on, a stage of the stem's width comes before the doubling."""
FEW, MANY = 500, 20_000
"""Training pictures for which a network is narrow, and wide."""


def auto_size(median_side: float) -> int:
    """The side to train at: the largest of 32, 48, 64, 96, 128 that the median picture fills."""
    sides = (32, 48, 64, 96, LARGEST_AUTO_SIZE)
    return max((side for side in sides if side <= median_side), default=sides[0])


def auto_network(size: int, pictures: int) -> str:
    """A residual network (He et al. 2015): a stem, stages of doubling width, pooling.

    The stem halves the side from 64 pixels on; the stages pool until a map of at most 8 × 8 is
    left, and its mean goes to the last layer. The width grows with the number of training pictures,
    since a wide network on few pictures only costs time.
    """
    large = size >= LARGE
    width = 16 if pictures < FEW else 48 if large or pictures >= MANY else 32
    stride, side = (" stride 2", size // 2) if size >= 64 else ("", size)
    layers = [f"conv {width} 3x3 same{stride}, norm"]
    if not large:
        width *= 2
    while True:
        layers.append(_block(width))
        if side <= 8:
            return ", ".join([*layers, "gap", "dropout 0.3"])
        layers.append("pool 2")
        side //= 2
        width *= 2


def _block(width: int) -> str:
    conv = f"conv {width} 3x3 same, norm"
    return f"residual [{conv}, {conv}]"
