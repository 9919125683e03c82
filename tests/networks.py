"""Networks that several tests look at."""

from convlens.network.spec import Network, network

LECTURE = "conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84"
RESIDUAL = (
    "conv 4 3x3 same stride 2, norm, residual [conv 4 3x3 same, norm, conv 4 3x3 same], "
    "avgpool 2 blur, local 3 3x3, conv 6 3x3 groups 3, gap, dense 5"
)


def two_class(line: str, size: int) -> Network:
    """A network of two classes."""
    return network(line, size, classes=2)
