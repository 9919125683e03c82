"""Layers without a window: dense, global pooling, normalisation, activations, dropout; no torch."""

from dataclasses import dataclass
from math import prod

from .counts import Counts
from .shapes import Shape, feature_maps


@dataclass(frozen=True)
class GlobalPool:
    """Global average pooling: each feature map becomes its mean."""

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [C]."""
        return (feature_maps(shape, "gap")[0],)

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        feature_maps(shape, "gap")
        return Counts()

    def __str__(self) -> str:
        return "gap"


@dataclass(frozen=True)
class Dense:
    """Fully connected: every unit sees every input; feature maps are flattened first."""

    units: int

    def out_shape(self, shape: Shape) -> Shape:
        """Anything to [units]."""
        return (self.units,)

    def counts(self, shape: Shape) -> Counts:
        """inputs × units weights and one bias per unit."""
        weights = prod(shape) * self.units
        return Counts(weights + self.units, weights, weights)

    def __str__(self) -> str:
        return f"dense {self.units}"


@dataclass(frozen=True)
class Norm:
    """Batch normalisation (Ioffe and Szegedy 2015): per channel, over a fixed group of pictures."""

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape

    def counts(self, shape: Shape) -> Counts:
        """A scale and a shift per channel; in the exported file they fold into the convolution."""
        return Counts(parameters=2 * shape[0])

    def __str__(self) -> str:
        return "norm"


class _SameShape:
    """A layer that keeps the shape and learns nothing."""

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        return Counts()


@dataclass(frozen=True)
class ResponseNorm(_SameShape):
    """Local response normalisation: each unit divided by a measure of the five channels about it.

    x / (2 + 0.0001 × their sum of squares) ^ 0.75 (Krizhevsky et al. 2012, section 3.3).
    """

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged; only maps have channels. Raises `LayerError`."""
        feature_maps(shape, "lrn")
        return shape

    def __str__(self) -> str:
        return "lrn"


ACTIVATIONS = ("relu", "gelu", "silu", "tanh", "sigmoid", "linear")


@dataclass(frozen=True)
class Activation(_SameShape):
    """A function of each unit by itself; `linear` leaves it as it is."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Dropout(_SameShape):
    """In training each unit is set to zero with probability `rate`, the others scaled up."""

    rate: float

    def __str__(self) -> str:
        return f"dropout {self.rate:g}"
