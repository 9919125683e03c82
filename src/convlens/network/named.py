"""Networks that have a name, and `convlens networks`."""

from ..errors import require
from .auto import auto_network
from .spec import Architecture, network

PREFIX = "timm:"
"""What an architecture of timm's is written with: `timm:resnet18`."""

NAMED = {
    "lecture": "conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84",
    "dense": "dense 20, dense 7, dense 5",
}
"""`lecture` after LeCun et al. 1998; `dense` is a fully connected one to compare with."""

PUBLISHED = {
    "mobilenet": ("mobilenetv3_small_100", 224),
    "efficientnet-lite0": ("tf_efficientnet_lite0", 224),
    "mobilenet-large": ("mobilenetv3_large_100", 224),
    "efficientnet": ("efficientnet_b0", 224),
    "resnet18": ("resnet18", 224),
    "resnet50": ("resnet50", 224),
    "inception": ("inception_v3", 299),
    "vgg16": ("vgg16", 224),
}
"""Published architectures by a short name: timm's name, and the side they were published at."""


def line_of(name_or_line: str, size: int, pictures: int) -> str:
    """The line of text behind `auto` (for this size and number of pictures) or a name."""
    if name_or_line == "auto":
        return auto_network(size, pictures)
    if name_or_line in PUBLISHED:
        return PREFIX + PUBLISHED[name_or_line][0]
    return NAMED.get(name_or_line, name_or_line)


def networks(
    name_or_line: str = "auto", size: int = 64, classes: int = 2, pictures: int = 2000
) -> Architecture:
    """A network from a line of text, a name, `timm:NAME`, or `auto`; `rows()` are its table.

    `size` is the pictures' side in pixels, `classes` the number of outputs, `pictures` how many
    `auto` shall suit. Published architectures need torch and timm. Raises `UsageError` where a
    layer is misspelt or does not fit.
    """
    line = line_of(name_or_line, size, pictures)
    if line.startswith(PREFIX):
        require("timm", "train", f"the architecture {line}")
        from .published import Published, build_published

        build_published(line, classes)  # a name that timm does not have is noticed here
        return Published(line.removeprefix(PREFIX), size, classes)
    return network(line, size, classes)
