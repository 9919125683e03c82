"""Layers with a window that slides: convolution, its twins without sharing, and pooling."""

from dataclasses import dataclass
from math import prod

from .counts import Counts
from .shapes import LayerError, Shape, Window, feature_maps, pair_text
from .unit_layers import Dense


@dataclass(frozen=True)
class Conv:
    """Convolution (cross-correlation, as the field has it): `filters` filters with a bias each.

    With several `groups`, the channels and the filters are dealt out to them in order, and a filter
    sees its own group's channels only.
    """

    filters: int
    window: Window
    groups: int = 1

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [filters, H', W']."""
        channels, height, width = feature_maps(shape, "conv")
        if channels % self.groups or self.filters % self.groups:
            raise LayerError(
                f"{channels} channels and {self.filters} filters cannot be dealt out to "
                f"{self.groups} groups: both have to be multiples of it"
            )
        return (self.filters, *self.window.slide(height, width, what="conv"))

    def counts(self, shape: Shape) -> Counts:
        """kernel × C / groups × filters shared weights, and one bias per filter."""
        channels, height, width = feature_maps(shape, "conv")
        out = self.window.slide(height, width, what="conv")
        pairs_of_maps = channels // self.groups * self.filters
        weights = prod(self.window.kernel) * pairs_of_maps
        pairs = self.window.pairs(height, width, out) * pairs_of_maps
        return Counts(weights + self.filters, pairs, weights * prod(out))

    def __str__(self) -> str:
        groups = f" groups {self.groups}" if self.groups > 1 else ""
        return f"conv {self.filters} {self.window}{groups}"


@dataclass(frozen=True)
class Local:
    """A convolution's connections with nothing shared: every position has its own filters."""

    filters: int
    window: Window

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [filters, H', W']."""
        _, height, width = feature_maps(shape, "local")
        return (self.filters, *self.window.slide(height, width, what="local"))

    def counts(self, shape: Shape) -> Counts:
        """One weight per kernel cell, channel, filter and position; one bias per output unit."""
        channels, height, width = feature_maps(shape, "local")
        out = self.window.slide(height, width, what="local")
        weights = prod(self.window.kernel) * channels * self.filters * prod(out)
        pairs = self.window.pairs(height, width, out) * channels * self.filters
        return Counts(weights + self.filters * prod(out), pairs, weights)

    def __str__(self) -> str:
        return f"local {self.filters} {self.window}"


@dataclass(frozen=True)
class Full:
    """A convolution's outputs, each of them connected to every input: nothing shared or sparse."""

    filters: int
    window: Window

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [filters, H', W']."""
        _, height, width = feature_maps(shape, "full")
        return (self.filters, *self.window.slide(height, width, what="full"))

    def counts(self, shape: Shape) -> Counts:
        """inputs × outputs weights and one bias per output unit, as in a dense layer."""
        return Dense(prod(self.out_shape(shape))).counts(shape)

    def __str__(self) -> str:
        return f"full {self.filters} {self.window}"


@dataclass(frozen=True)
class Pool:
    """Maximum or average over a window.

    With `blur` it first slides one by one; its map is blurred by the filter [1 2 1]² / 16, and only
    then subsampled (Zhang 2019).
    """

    kind: str
    window: Window
    blur: bool = False

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [C, H', W']."""
        channels, height, width = feature_maps(shape, self.kind)
        return (channels, *self.window.slide(height, width, what=self.kind))

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        feature_maps(shape, self.kind)
        return Counts()

    def __str__(self) -> str:
        kernel, stride = self.window.kernel, self.window.stride
        step = f" stride {pair_text(stride)}" if stride != kernel else ""
        same, blur = " same" if self.window.same else "", " blur" if self.blur else ""
        return f"{self.kind} {pair_text(kernel)}{step}{same}{blur}"
