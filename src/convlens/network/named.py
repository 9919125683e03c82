"""Networks that have a name, and `convlens networks`."""

from .auto import auto_network
from .spec import Network, network

NAMED = {
    "lecture": "conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84",
    "dense": "dense 20, dense 7, dense 5",
}
"""`lecture` after LeCun et al. 1998; `dense` is a fully connected one to compare with."""


def line_of(name_or_line: str, size: int, pictures: int) -> str:
    """The line of text behind `auto` (for this size and number of pictures) or a name."""
    if name_or_line == "auto":
        return auto_network(size, pictures)
    return NAMED.get(name_or_line, name_or_line)


def networks(
    name_or_line: str = "auto", size: int = 64, classes: int = 2, pictures: int = 2000
) -> Network:
    """A network from a line of text, a name of `NAMED`, or `auto`; its `rows()` are the table.

    `size` is the pictures' side in pixels, `classes` the number of outputs, `pictures` how many
    `auto` shall suit. Raises `UsageError` where a layer is misspelt or does not fit.
    """
    return network(line_of(name_or_line, size, pictures), size, classes)
