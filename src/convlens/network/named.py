"""Networks that have a name, and `convlens networks`."""

from typing import NamedTuple

from ..errors import UsageError, require
from .auto import auto_network, plain_network
from .spec import PREFIX, Architecture, network, parts_of


class NamedNetwork(NamedTuple):
    """A network as a line of text, and the side that it is for if there is one."""

    line: str
    size: int | None = None


NAMED = {
    "lecture": NamedNetwork("conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84"),
    "dense": NamedNetwork("dense 20, dense 7, dense 5"),
    "lenet5": NamedNetwork(
        "conv 6 5x5, tanh, avgpool 2, conv 16 5x5, tanh, avgpool 2, conv 120 5x5, tanh, "
        "dense 84, tanh",
        32,
    ),
    "alexnet": NamedNetwork(
        "conv 96 11x11 stride 4, lrn, pool 3 stride 2, conv 256 5x5 same groups 2, lrn, "
        "pool 3 stride 2, conv 384 3x3 same, conv 384 3x3 same groups 2, "
        "conv 256 3x3 same groups 2, pool 3 stride 2, "
        "dense 4096, dropout 0.5, dense 4096, dropout 0.5",
        227,
    ),
    "quick": NamedNetwork(plain_network((64, 256, 256))),
}
"""`dense` is a fully connected network to compare with. `lecture` is its small convolutional one,
`lenet5` the network behind it (LeCun et al. 1998), with every filter of the second convolution on
every map, means for its pooling, and softmax; `alexnet` is that of Krizhevsky et al. 2012.
`quick` learns small pictures in few passes (after airbench94, Jordan 2024)."""


class PublishedNetwork(NamedTuple):
    """A published architecture: timm's name, the side it was published at, and with 1,000 classes
    its parameters and multiplications."""

    timm: str
    size: int
    parameters: int
    multiplications: int


PUBLISHED = {
    "mobilenet": PublishedNetwork("mobilenetv3_small_100", 224, 2_542_856, 56_510_400),
    "efficientnet-lite0": PublishedNetwork("tf_efficientnet_lite0", 224, 4_652_008, 385_187_552),
    "efficientnet-lite1": PublishedNetwork("tf_efficientnet_lite1", 240, 5_416_680, 600_185_232),
    "efficientnet-lite2": PublishedNetwork("tf_efficientnet_lite2", 260, 6_092_072, 859_736_272),
    "mobilenet-large": PublishedNetwork("mobilenetv3_large_100", 224, 5_483_032, 216_589_760),
    "efficientnet": PublishedNetwork("efficientnet_b0", 224, 5_288_548, 385_814_752),
    "resnet18": PublishedNetwork("resnet18", 224, 11_689_512, 1_814_073_344),
    "resnet50": PublishedNetwork("resnet50", 224, 25_557_032, 4_089_184_256),
    "inception": PublishedNetwork("inception_v3", 299, 23_834_568, 5_713_216_096),
    "vgg16": PublishedNetwork("vgg16", 224, 138_357_544, 15_470_264_320),
}
"""Published architectures by a short name; the counts are here so that listing needs no torch."""


def line_of(name_or_line: str, size: int, *, pictures: int) -> str:
    """The line of text behind `auto` (for this size and number of pictures) or a name."""
    if name_or_line == "auto":
        return auto_network(size, pictures)
    names = name_or_line.split("+")
    if all(name in PUBLISHED for name in names):
        return PREFIX + "+".join(PUBLISHED[name].timm for name in names)
    return NAMED[name_or_line].line if name_or_line in NAMED else name_or_line


def usual_size(line: str) -> int | None:
    """The side that the network behind a line or `timm:NAME` is for; None where it has none."""
    if line.startswith(PREFIX):
        sizes = {PREFIX + published.timm: published.size for published in PUBLISHED.values()}
        parts = parts_of(line)
        if all(part in sizes for part in parts):
            return sizes[parts[0]]
        from .backbone import published_sides

        return published_sides(line)[0]
    return next((named.size for named in NAMED.values() if named.line == line), None)


def describe_network(
    name_or_line: str = "auto", size: int = 64, *, classes: int = 2, pictures: int = 2000
) -> Architecture:
    """A network with the shapes and exact counts of its layers; `rows()` are its table.

    Args:
        name_or_line: A line of text, a name, `timm:NAME`, `timm:NAME+NAME`, or `auto`.
        size: Side length in pixels of the pictures.
        classes: The number of outputs.
        pictures: How many training pictures `auto` shall suit.

    Returns:
        The network. Published architectures need torch and timm.

    Raises:
        UsageError: A layer is misspelt, or does not fit its input.
        ConvlensError: timm is not installed.

    Examples:
        >>> import convlens
        >>> network = convlens.describe_network("conv 6 5x5, pool 2", size=32)
        >>> [row.counts.parameters for row in network.rows()]
        [456, 0, 0, 2354]
        >>> network.total().connections
        355152
    """
    if size < 1 or classes < 1:
        raise UsageError(f"--size {size}, --classes {classes}: they can be 1 or more")
    line = line_of(name_or_line, size, pictures=pictures)
    if line.startswith(PREFIX):
        require("timm", "train", what=f"the architecture {line}")
        from .backbone import published_config
        from .published import Published

        for part in parts_of(line):
            published_config(part)  # a name that timm does not have is noticed here
        return Published(line.removeprefix(PREFIX), size, classes)
    return network(line, size, classes=classes)
