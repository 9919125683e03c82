"""What sharing and sparsity save: a convolution beside the layers that lack one or both. Exact."""

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from math import prod
from typing import Any

from ..errors import UsageError
from ..network.layers import (
    Conv,
    Counts,
    Full,
    Layer,
    LayerError,
    Local,
    Residual,
    Shape,
    Window,
    show,
)
from ..network.spec import Architecture, Network
from .section import NEARLY, Claim, Section, Table, exactly

FLOAT = 4
"""Bytes of a number in float32."""


@dataclass(frozen=True)
class Cost:
    """One kind of layer between the same inputs and outputs. `memory`: float32 weights, bytes."""

    kind: str
    weights: int
    _: KW_ONLY
    biases: int
    connections: int
    multiplications: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def memory(self) -> int:
        """Bytes of the parameters as float32."""
        return FLOAT * self.parameters


@dataclass(frozen=True)
class Case:
    """A convolution, the same connections unshared (local), and everything connected (dense)."""

    in_shape: Shape
    out_shape: Shape
    layer: str
    conv: Cost
    local: Cost
    dense: Cost

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
            **{
                cost.kind: {
                    "weights": cost.weights,
                    "parameters": cost.parameters,
                    "connections": cost.connections,
                    "multiplications": cost.multiplications,
                    "bytes": cost.memory,
                }
                for cost in (self.conv, self.local, self.dense)
            },
            "dense_per_conv": float(self.saved),
            "saved_by_sparsity": float(self.saved_by_sparsity),
            "saved_by_sharing": float(self.saved_by_sharing),
        }


def _cost(kind: str, counts: Counts, *, biases: int) -> Cost:
    weights = counts.parameters - biases
    return Cost(
        kind,
        weights,
        biases=biases,
        connections=counts.connections,
        multiplications=counts.multiplications,
    )


def compare(layer: Conv, shape: Shape) -> Case:
    """A convolution on inputs [C, H, W], beside its local and its dense twin.

    Raises `UsageError` where it does not fit. With padding, the local layer counts its weights on
    zeros too, as the convolution does; only `connections` leaves them out.
    """
    try:
        out = layer.out_shape(shape)
    except LayerError as error:
        raise UsageError(f"'{layer}' on {show(shape)}: {error}") from None
    local = Local(layer.filters, layer.window).counts((shape[0] // layer.groups, *shape[1:]))
    full = Full(layer.filters, layer.window).counts(shape)
    units = prod(out)
    return Case(
        shape,
        out,
        str(layer),
        _cost("conv", layer.counts(shape), biases=layer.filters),
        _cost("local", local, biases=units),
        _cost("dense", full, biases=units),
    )


def lecture(side: int = 32) -> Case:
    """The lecture's example: six 5×5 filters on a picture of three channels."""
    return compare(Conv(6, Window((5, 5))), (3, side, side))


LECTURES_156 = 6 * (5 * 5 + 1)
"""As the lecture counts: a filter on one channel, and its bias."""


def cases(network: Network) -> Iterator[Case]:
    """Every convolution of a network, those inside residual blocks too."""

    def walk(layers: Iterable[Layer], shape: Shape) -> Iterator[Case]:
        for layer in layers:
            if isinstance(layer, Conv):
                yield compare(layer, shape)
            if isinstance(layer, Residual):
                yield from walk(layer.body, shape)
                shortcut = layer.shortcut(shape)
                if shortcut:
                    yield compare(shortcut, shape)
            shape = layer.out_shape(shape)

    yield from walk(network.all_layers, network.in_shape)


def published_cases(architecture: Architecture) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """(layer, weights: shared, local, dense) of every convolution, from shapes and counts alone."""
    for row in architecture.rows():
        if len(row.out_shape) == 3 and row.counts.multiplications:
            local = row.counts.multiplications
            shared = local // prod(row.out_shape[1:])
            yield row.text, (shared, local, prod(row.in_shape) * prod(row.out_shape))


def section(architecture: Architecture | None = None) -> Section:
    """The lecture's figures, and the same for a network."""
    small, large = lecture(), lecture(1000)
    claims = [
        Claim(
            "A dense layer from 32×32×3 to 28×28×6 has 3,072 × 4,704, about 14 million, weights",
            f"{small.inputs:,} × {small.outputs:,} = {small.dense.weights:,}",
            *exactly((small.inputs, small.outputs, small.dense.weights), (3072, 4704, 14_450_688)),
        ),
        Claim(
            "Six 5×5 filters do it with 6 × (25 + 1) = 156 parameters",
            f"{LECTURES_156} on one channel; {small.conv.parameters} on the picture's three, since "
            "a filter has 25 weights for each channel and one bias",
            verdict=NEARLY,
            rule="holds where the count is exact; nearly where it is of one channel of three",
        ),
        Claim(
            "At 1000×1000 the dense matrix is hopeless, and the filters do not grow",
            f"{large.dense.weights:,} weights ({large.dense.memory / 1e12:.0f} TB); "
            f"still {large.conv.parameters} parameters",
            *exactly(
                (large.dense.weights, large.conv.parameters),
                (17_856_288_000_000, small.conv.parameters),
            ),
        ),
    ]
    notes = [
        "Where the lecture's text prints 4,074 it means 4,704 = 28 × 28 × 6.",
        f"Of the {float(small.saved):,.0f} times fewer weights, sparsity saves "
        f"{float(small.saved_by_sparsity):,.1f} times and sharing the other "
        f"{float(small.saved_by_sharing):,.0f} times: one for each place of the 28×28.",
    ]
    tables = [_layer_table(small)]
    data: dict[str, Any] = {"lecture": small.as_json(), "at_1000": large.as_json()}
    if architecture is not None:
        table, numbers = _network_table(architecture)
        tables.append(table)
        data["network"] = {**architecture.describe(), **numbers}
    return Section(
        "arithmetic", "Arithmetic", claims=claims, tables=tables, figures=(), notes=notes, data=data
    )


def _layer_table(case: Case) -> Table:
    rows = [
        [
            name,
            f"{cost.weights:,}",
            f"{cost.parameters:,}",
            f"{cost.connections:,}",
            f"{cost.multiplications:,}",
            size_of(cost.memory),
        ]
        for name, cost in (
            ("conv: shared, sparse", case.conv),
            ("local: sparse only", case.local),
            ("dense", case.dense),
        )
    ]
    heads = ["layer", "weights", "parameters", "connections", "multiplications", "memory"]
    return Table(f"{case.layer}, {show(case.in_shape)} to {show(case.out_shape)}", heads, rows=rows)


def size_of(count: int) -> str:
    """Bytes, as `1.8 kB`."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"


def _network_table(architecture: Architecture) -> tuple[Table, dict[str, Any]]:
    if isinstance(architecture, Network):
        found = [
            (case.layer, (case.conv.weights, case.local.weights, case.dense.weights))
            for case in cases(architecture)
        ]
    else:
        found = list(published_cases(architecture))
    totals = (
        sum(counts[0] for _, counts in found),
        sum(counts[1] for _, counts in found),
        sum(counts[2] for _, counts in found),
    )
    rows = [
        [
            name,
            *(f"{count:,}" for count in (conv, local, dense)),
            f"{dense / local:,.1f}",
            f"{local / conv:,.0f}",
        ]
        for name, (conv, local, dense) in (*found, ("all convolutions", totals))
        if conv
    ]
    heads = ["convolution", "weights", "local", "dense", "sparsity saves", "sharing saves"]
    side = f"{architecture.size}×{architecture.size}"
    title = f"The convolutions of this network at {side}, and their local and dense twins (weights)"
    return Table(title, heads, rows=rows), dict(
        zip(("conv_weights", "local_weights", "dense_weights"), totals, strict=True)
    )
