"""Networks that differ from a convolutional one in one respect: sharing, sparsity, size, blur."""

from collections.abc import Callable
from itertools import count

from ...errors import UsageError
from ...network.layers import Conv, Full, Layer, Local, Pool, Residual
from ...network.layers.residual import flat
from ...network.spec import Network, network

LARGEST = 50_000_000
"""Parameters up to which a dense twin can be trained on an ordinary computer."""
SIZES = (32, 28, 24, 20, 16, 12)
"""Side lengths in pixels at which twins are compared."""


def twin(conv: Network, kind: type[Local] | type[Full]) -> Network:
    """The network with every convolution's sharing, or sharing and sparsity, taken away."""

    def change(layer: Layer) -> Layer:
        return kind(layer.filters, layer.window) if isinstance(layer, Conv) else layer

    return _changed(conv, change)


def blurred(conv: Network) -> Network:
    """The network with every pooling anti-aliased, but for the last ones on maps too small."""
    pools = sum(isinstance(layer, Pool) for layer in flat(conv.layers))
    for last in range(pools, -1, -1):
        numbers = count()

        def change(layer: Layer) -> Layer:
            if not isinstance(layer, Pool) or next(numbers) >= last:  # noqa: B023
                return layer
            return Pool(layer.kind, layer.window, blur=True)

        made = _changed(conv, change)
        try:
            made.total()
        except UsageError:
            continue
        return made
    return conv


def _changed(conv: Network, change: Callable[[Layer], Layer]) -> Network:
    """The network with every layer changed, those inside residual blocks too."""

    def changed(layer: Layer) -> Layer:
        if isinstance(layer, Residual):
            return Residual(tuple(map(changed, layer.body)), layer.activation)
        return change(layer)

    return Network(tuple(map(changed, conv.layers)), conv.size, conv.classes)


def narrow_dense(conv: Network) -> str:
    """The line of a dense network of two hidden layers with about as many parameters."""
    wanted = conv.total().parameters
    units = 1
    while True:
        line = f"dense {units + 1}, dense {units + 1}"
        if network(line, conv.size, classes=conv.classes).total().parameters > wanted:
            return f"dense {units}, dense {units}"
        units += 1


def largest_size(conv: Network) -> int | None:
    """The largest of `SIZES` at which the dense twin stays within `LARGEST` parameters."""
    for size in (size for size in SIZES if size <= conv.size):
        try:
            smaller = Network(conv.layers, size, conv.classes)
            if twin(smaller, Full).total().parameters <= LARGEST:
                return size
        except UsageError:
            return None
    return None
