"""Exact counts of a convolution, and of its twins that lack sharing or sharing and sparsity."""

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from math import prod
from typing import Any

from ..errors import UsageError
from ..network.layers import Conv, Full, Layer, Local, Residual
from ..network.layers.counts import Counts
from ..network.layers.shapes import LayerError, Shape, Window, show
from ..network.spec import Architecture, Network

BYTES = 4
"""Of a number in float32."""


@dataclass(frozen=True)
class LayerCounts:
    """What one kind of layer takes between the same inputs and outputs."""

    kind: str
    weights: int
    _: KW_ONLY
    biases: int
    connections: int
    multiplications: int

    @classmethod
    def of(cls, kind: str, counts: Counts, *, biases: int) -> "LayerCounts":
        """The counts of a layer with so many biases."""
        return cls(
            kind,
            counts.parameters - biases,
            biases=biases,
            connections=counts.connections,
            multiplications=counts.multiplications,
        )

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def memory(self) -> int:
        """Bytes of the parameters as float32."""
        return BYTES * self.parameters

    def as_json(self) -> dict[str, int]:
        """The counts as plain data."""
        return {
            "weights": self.weights,
            "parameters": self.parameters,
            "connections": self.connections,
            "multiplications": self.multiplications,
            "bytes": self.memory,
        }


@dataclass(frozen=True)
class Twins:
    """A convolution, the same connections unshared (local), and everything connected (dense)."""

    layer: str
    in_shape: Shape
    _: KW_ONLY
    out_shape: Shape
    conv: LayerCounts
    local: LayerCounts
    dense: LayerCounts

    @property
    def inputs(self) -> int:
        """Input units."""
        return prod(self.in_shape)

    @property
    def outputs(self) -> int:
        """Output units."""
        return prod(self.out_shape)

    @property
    def saved_by_sparsity(self) -> Fraction:
        """Weights of the dense layer per weight of the local one."""
        return Fraction(self.dense.weights, self.local.weights)

    @property
    def saved_by_sharing(self) -> Fraction:
        """Weights of the local layer per weight of the convolution: its output positions."""
        return Fraction(self.local.weights, self.conv.weights)

    @property
    def saved(self) -> Fraction:
        """Weights of the dense layer per weight of the convolution: the product of the two."""
        return Fraction(self.dense.weights, self.conv.weights)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data; counts are exact integers."""
        return {
            "layer": self.layer,
            "in": show(self.in_shape),
            "out": show(self.out_shape),
            "inputs": self.inputs,
            "outputs": self.outputs,
            **{counts.kind: counts.as_json() for counts in (self.conv, self.local, self.dense)},
            "dense_per_conv": float(self.saved),
            "saved_by_sparsity": float(self.saved_by_sparsity),
            "saved_by_sharing": float(self.saved_by_sharing),
        }


@dataclass(frozen=True)
class Weights:
    """How many weights a convolution has, and its local and dense twins."""

    layer: str
    conv: int
    _: KW_ONLY
    local: int
    dense: int


def twins_of(conv: Conv, in_shape: Shape) -> Twins:
    """Counts of a convolution on inputs [C, H, W], beside those of its local and dense twins.

    With padding, the local layer has weights for the zeros too, as the convolution does; only
    `connections` leaves them out.

    Raises:
        UsageError: The convolution does not fit its inputs.
    """
    try:
        out_shape = conv.out_shape(in_shape)
    except LayerError as error:
        raise UsageError(f"'{conv}' on {show(in_shape)}: {error}") from None
    channels, height, width = in_shape
    local = Local(conv.filters, conv.window).counts((channels // conv.groups, height, width))
    dense = Full(conv.filters, conv.window).counts(in_shape)
    outputs = prod(out_shape)
    return Twins(
        str(conv),
        in_shape,
        out_shape=out_shape,
        conv=LayerCounts.of("conv", conv.counts(in_shape), biases=conv.filters),
        local=LayerCounts.of("local", local, biases=outputs),
        dense=LayerCounts.of("dense", dense, biases=outputs),
    )


def lecture_twins(size: int = 32) -> Twins:
    """The lecture's example: six 5×5 filters on a picture of three channels."""
    return twins_of(Conv(6, Window((5, 5))), (3, size, size))


def convolution_weights(architecture: Architecture) -> list[Weights]:
    """The weights of every convolution of an architecture, and of its twins."""
    if isinstance(architecture, Network):
        twins = _twins_in(architecture.all_layers, architecture.in_shape)
        return [
            Weights(t.layer, t.conv.weights, local=t.local.weights, dense=t.dense.weights)
            for t in twins
        ]
    return list(_published_weights(architecture))


def _twins_in(layers: Iterable[Layer], shape: Shape) -> Iterator[Twins]:
    """Every convolution of a network, those inside residual blocks too."""
    for layer in layers:
        if isinstance(layer, Conv):
            yield twins_of(layer, shape)
        if isinstance(layer, Residual):
            yield from _twins_in(layer.body, shape)
            shortcut = layer.shortcut(shape)
            if shortcut:
                yield twins_of(shortcut, shape)
        shape = layer.out_shape(shape)


def _published_weights(architecture: Architecture) -> Iterator[Weights]:
    """Of a published architecture, from the shapes and counts of its layers alone."""
    for row in architecture.rows():
        if row.convolution:
            local = row.counts.multiplications
            yield Weights(
                row.text,
                local // prod(row.out_shape[1:]),
                local=local,
                dense=prod(row.in_shape) * prod(row.out_shape),
            )
