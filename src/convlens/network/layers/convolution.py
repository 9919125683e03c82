"""Convolution, and its twins without sharing and without sparsity; no torch."""

from dataclasses import dataclass
from math import prod

from .counts import Counts
from .layer import Layer
from .shapes import LayerError, Mask, Shape, Window, feature_maps
from .units import Dense
from .words import Words


@dataclass(frozen=True)
class Conv(Layer):
    """Convolution (cross-correlation, as the field has it): `filters` filters with a bias each.

    With several `groups`, the channels and the filters are dealt out to them in order, and a filter
    sees its own group's channels only.
    """

    names = ("conv",)
    grammar = """\
  conv 6 5x5         6 filters of 5×5, no padding; also: stride 2, same (zero padding), groups 2
"""
    has_activation = True

    filters: int
    window: Window
    groups: int = 1

    @classmethod
    def parse(cls, words: Words) -> "Conv":
        """`conv 6 5x5 same stride 2 groups 2`."""
        filters, groups = words.number("filters"), words.number_after("groups")
        return cls(filters, words.window(), groups or 1)

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

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """All channels of the filter's group under its window."""
        filters_in_group = self.filters // self.groups
        by_group = outputs.reshape(self.groups, filters_in_group, *outputs.shape[1:])
        any_filter = by_group.max(1)  # the largest of some marks is True where any of them is
        return self.window.inputs_of(any_filter, shape).repeat(shape[0] // self.groups, 0)

    def __str__(self) -> str:
        groups = f" groups {self.groups}" if self.groups > 1 else ""
        return f"conv {self.filters} {self.window}{groups}"


@dataclass(frozen=True)
class Local(Layer):
    """A convolution's connections with nothing shared: every position has its own filters."""

    names = ("local",)
    grammar = "  local 6 5x5        the same connections with nothing shared\n"
    has_activation = True
    needs_fixed_size = True

    filters: int
    window: Window

    @classmethod
    def parse(cls, words: Words) -> "Local":
        """`local 6 5x5 same stride 2`."""
        return cls(words.number("filters"), words.window())

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

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """All channels under the window."""
        return self.window.inputs_of(outputs.max(0, keepdims=True), shape).repeat(shape[0], 0)

    def __str__(self) -> str:
        return f"local {self.filters} {self.window}"


@dataclass(frozen=True)
class Full(Layer):
    """A convolution's outputs, each of them connected to every input: nothing shared or sparse."""

    names = ("full",)
    grammar = "  full 6 5x5         the same outputs, each connected to every input\n"
    has_activation = True
    needs_fixed_size = True

    filters: int
    window: Window

    @classmethod
    def parse(cls, words: Words) -> "Full":
        """`full 6 5x5 same stride 2`."""
        return cls(words.number("filters"), words.window())

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [filters, H', W']."""
        _, height, width = feature_maps(shape, "full")
        return (self.filters, *self.window.slide(height, width, what="full"))

    def counts(self, shape: Shape) -> Counts:
        """inputs × outputs weights and one bias per output unit, as in a dense layer."""
        return Dense(prod(self.out_shape(shape))).counts(shape)

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """All, as in a dense layer."""
        return Dense(outputs.size).inputs_of(outputs, shape)

    def __str__(self) -> str:
        return f"full {self.filters} {self.window}"


CONVOLUTIONS: tuple[type[Layer], ...] = (Conv, Local, Full)
"""In the order of the printed grammar."""
