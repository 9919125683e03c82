"""The layers that a network is written with, residual blocks of them included; no torch.

Each gives the shape that it makes of another one (`out_shape`) and its `counts` at that shape.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .counts import Counts
from .shapes import LayerError, Shape, Window, feature_maps, show
from .unit_layers import ACTIVATIONS, Activation, Dense, Dropout, GlobalPool, Norm, ResponseNorm
from .window_layers import Conv, Full, Local, Pool

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Conv",
    "Dense",
    "Dropout",
    "Full",
    "GlobalPool",
    "Layer",
    "Local",
    "Norm",
    "Pool",
    "Residual",
    "ResponseNorm",
    "flat",
]


@dataclass(frozen=True)
class Residual:
    """A block with a shortcut (He et al. 2015): out = activation(body(x) + shortcut(x)).

    The shortcut is x itself, or a 1×1 convolution where the body changes the shape.
    """

    body: tuple["Layer", ...]
    activation: str = "relu"

    def shortcut(self, shape: Shape) -> Conv | None:
        """The 1×1 convolution that the shortcut needs, if any. Raises `LayerError`."""
        _, height, width = feature_maps(shape, "residual")
        out = shape
        for layer in self.body:
            out = layer.out_shape(out)
        filters, out_height, out_width = feature_maps(out, "the end of a residual block")
        if out == shape:
            return None
        stride = (-(-height // out_height), -(-width // out_width))
        conv = Conv(filters, Window((1, 1), stride))
        if conv.out_shape(shape) != out:
            raise LayerError(
                f"a residual block adds its input, {show(shape)}, to what its layers make of it, "
                f"{show(out)}, and no stride brings the two together: write 'same' after the "
                "kernels inside the brackets"
            )
        return conv

    def out_shape(self, shape: Shape) -> Shape:
        """The body's."""
        self.shortcut(shape)
        for layer in self.body:
            shape = layer.out_shape(shape)
        return shape

    def counts(self, shape: Shape) -> Counts:
        """The body's and the shortcut's."""
        conv = self.shortcut(shape)
        total = conv.counts(shape) if conv else Counts()
        for layer in self.body:
            total += layer.counts(shape)
            shape = layer.out_shape(shape)
        return total

    def __str__(self) -> str:
        inside = ", ".join(map(str, self.body))
        return f"residual [{inside}]" + ("" if self.activation == "relu" else f" {self.activation}")


Layer = (
    Conv
    | Local
    | Full
    | Pool
    | GlobalPool
    | Dense
    | Norm
    | ResponseNorm
    | Activation
    | Dropout
    | Residual
)


def flat(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Every layer, those inside residual blocks too."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from flat(layer.body)
