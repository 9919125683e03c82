"""`--network auto`: a sound residual network for the pictures' size and number, in text."""

LARGEST_AUTO_SIZE = 128
"""Beyond this side, training from scratch on a processor gains less than it costs."""


def auto_size(median_side: float) -> int:
    """The side to train at: the largest of 32, 48, 64, 96, 128 that the median picture fills."""
    sides = (32, 48, 64, 96, LARGEST_AUTO_SIZE)
    return max((side for side in sides if side <= median_side), default=sides[0])


def auto_network(size: int, pictures: int) -> str:
    """A residual network (He et al. 2015): a stem, stages of doubling width, pooling.

    The stem brings the side to about 32, where a block costs little; the stages pool until a map of
    at most 8 × 8 is left, and its mean goes to the last layer. The width grows with the number of
    training pictures, since a wide network on few pictures only costs time.
    """
    width = 16 if pictures < 500 else 32 if pictures < 20_000 else 48
    if size >= 96:
        layers, side = [f"conv {width} 5x5 same stride 2, norm, pool 2"], size // 4
    elif size >= 64:
        layers, side = [f"conv {width} 3x3 same stride 2, norm"], size // 2
    else:
        layers, side = [f"conv {width} 3x3 same, norm"], size
    while True:
        width *= 2
        layers.append(_block(width))
        if side <= 8:
            return ", ".join([*layers, "gap", "dropout 0.2"])
        layers.append("pool 2")
        side //= 2


def _block(width: int) -> str:
    conv = f"conv {width} 3x3 same, norm"
    return f"residual [{conv}, {conv}]"
