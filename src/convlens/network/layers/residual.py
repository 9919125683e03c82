"""Blocks of layers with a shortcut around them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import UsageError
from .convolution import Conv
from .counts import Counts
from .layer import Layer, inputs_of
from .shapes import LayerError, Mask, Shape, Window, feature_maps, show
from .units import Activation
from .words import Words


@dataclass(frozen=True)
class Residual(Layer):
    """A block with a shortcut (He et al. 2015): out = activation(body(x) + shortcut(x)).

    The shortcut is x itself, or a 1×1 convolution where the body changes the shape.
    """

    names = ("residual",)
    grammar = """\
  residual [...]     adds the input of the bracketed layers to their output; x3 repeats the block
"""
    takes_layers = True

    body: tuple[Layer, ...]
    activation: str = "relu"

    @classmethod
    def parse(cls, words: Words) -> "Residual":
        """`residual [conv 64 3x3 same] x3 gelu`: three blocks, each with gelu after the sum."""
        if words.read_inside is None:
            raise UsageError(
                "network: residual takes layers in brackets: residual [conv 64 3x3 same]"
            )
        activation = "relu"
        while (word := words.next()) is not None:
            if re.fullmatch(r"x\d+", word) and 1 <= int(word[1:]) <= 1000:
                words.times = int(word[1:])
            elif word in Activation.names:
                activation = word
            else:
                words.wrong(
                    word, "after the brackets come x3 (a number of blocks) or an activation"
                )
        return cls(words.read_inside(), activation)

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

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """The body's and the shortcut's."""
        conv = self.shortcut(shape)
        through_shortcut = conv.inputs_of(outputs, shape) if conv else outputs
        return inputs_of(self.body, outputs, shape=shape) | through_shortcut

    def __str__(self) -> str:
        inside = ", ".join(map(str, self.body))
        return f"residual [{inside}]" + ("" if self.activation == "relu" else f" {self.activation}")


def flat(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Every layer, those inside residual blocks too."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from flat(layer.body)
