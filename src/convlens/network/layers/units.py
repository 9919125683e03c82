"""Layers without a window: dense, normalisation, dropout, activations; no torch."""

from dataclasses import dataclass
from math import prod

from .counts import Counts
from .layer import Layer
from .shapes import Mask, Shape, feature_maps
from .words import Words


@dataclass(frozen=True)
class Dense(Layer):
    """Fully connected: every unit sees every input; feature maps are flattened first."""

    names = ("dense",)
    grammar = "  dense 120          fully connected\n"
    has_activation = True
    needs_fixed_size = True

    units: int

    @classmethod
    def parse(cls, words: Words) -> "Dense":
        """`dense 120`."""
        return cls(words.number("units"))

    def out_shape(self, shape: Shape) -> Shape:
        """Anything to [units]."""
        return (self.units,)

    def counts(self, shape: Shape) -> Counts:
        """inputs × units weights and one bias per unit."""
        weights = prod(shape) * self.units
        return Counts(weights + self.units, weights, weights)

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """All."""
        return outputs.any().repeat(prod(shape)).reshape(shape)

    def __str__(self) -> str:
        return f"dense {self.units}"


class Pointwise(Layer):
    """A layer that keeps the shape, and each of whose outputs depends on its own input only."""

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        return Counts()

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """Those in the outputs' own positions."""
        return outputs


@dataclass(frozen=True)
class Norm(Pointwise):
    """Batch normalisation (Ioffe and Szegedy 2015): per channel, over a fixed group of pictures."""

    names = ("norm",)
    grammar = "  norm               batch normalisation"  # its line goes on with that of `lrn`
    precedes_activation = True

    @classmethod
    def parse(cls, words: Words) -> "Norm":
        """`norm`."""
        return cls()

    def counts(self, shape: Shape) -> Counts:
        """A scale and a shift per channel; in the exported file they fold into the convolution."""
        return Counts(parameters=2 * shape[0])

    def __str__(self) -> str:
        return "norm"


@dataclass(frozen=True)
class ResponseNorm(Layer):
    """Local response normalisation: each unit divided by a measure of the five channels about it.

    x / (2 + 0.0001 × their sum of squares) ^ 0.75 (Krizhevsky et al. 2012, section 3.3).
    """

    names = ("lrn",)
    grammar = "; lrn: local response normalisation\n"

    @classmethod
    def parse(cls, words: Words) -> "ResponseNorm":
        """`lrn`."""
        return cls()

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged; only maps have channels."""
        feature_maps(shape, "lrn")
        return shape

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        return Counts()

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """Those in the outputs' own positions, in two channels before and after too."""
        inputs = outputs.copy()
        for distance in (1, 2):
            inputs[distance:] |= outputs[:-distance]
            inputs[:-distance] |= outputs[distance:]
        return inputs

    def __str__(self) -> str:
        return "lrn"


@dataclass(frozen=True)
class Dropout(Pointwise):
    """In training each unit is set to zero with probability `rate`, the others scaled up."""

    names = ("dropout",)
    grammar = "  dropout 0.5        drop units in training\n"

    rate: float

    @classmethod
    def parse(cls, words: Words) -> "Dropout":
        """`dropout 0.5`."""
        return cls(words.share("the share of units to drop comes first, such as 0.5"))

    def __str__(self) -> str:
        return f"dropout {self.rate:g}"


@dataclass(frozen=True)
class Activation(Pointwise):
    """A function of each unit by itself; `linear` leaves it as it is."""

    names = ("relu", "gelu", "silu", "tanh", "sigmoid", "linear")
    grammar = """\
  relu gelu silu tanh sigmoid linear
                     the activation of the layer before; conv, local and dense have relu by default
"""

    name: str

    @classmethod
    def parse(cls, words: Words) -> "Activation":
        """Its name by itself: `relu`."""
        return cls(words.name)

    def __str__(self) -> str:
        return self.name


UNIT_LAYERS: tuple[type[Layer], ...] = (Dense, Norm, ResponseNorm, Dropout, Activation)
"""In the order of the printed grammar."""
