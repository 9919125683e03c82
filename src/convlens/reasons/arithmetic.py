"""Arithmetic, as a section: what sharing and sparsity save, by exact counts."""

from typing import Any

from ..network.layers.shapes import show
from ..network.spec import Architecture
from .counting import LayerCounts, Twins, Weights, convolution_weights, lecture_twins
from .section import NEARLY, Claim, Section, Table, exactly

LECTURES_156 = 6 * (5 * 5 + 1)
"""As the lecture counts: a filter on one channel, and its bias."""


def section(architecture: Architecture | None = None) -> Section:
    """The lecture's figures, and the same for an architecture where one is given."""
    small, large = lecture_twins(), lecture_twins(1000)
    notes = [
        "Where the lecture's text prints 4,074 it means 4,704 = 28 × 28 × 6.",
        f"Of the {float(small.saved):,.0f} times fewer weights, sparsity saves "
        f"{float(small.saved_by_sparsity):,.1f} times and sharing the other "
        f"{float(small.saved_by_sharing):,.0f} times: one for each place of the 28×28.",
    ]
    tables = [_layer_table(small)]
    data: dict[str, Any] = {"lecture": small.as_json(), "at_1000": large.as_json()}
    if architecture is not None:
        convolutions = convolution_weights(architecture)
        total = _total(convolutions)
        tables.append(_architecture_table([*convolutions, total], architecture.size))
        data["network"] = {
            **architecture.describe(),
            "conv_weights": total.conv,
            "local_weights": total.local,
            "dense_weights": total.dense,
        }
    return Section(
        "arithmetic",
        "Arithmetic",
        claims=_claims(small, large),
        tables=tables,
        notes=notes,
        data=data,
    )


def _claims(small: Twins, large: Twins) -> list[Claim]:
    return [
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


def _layer_table(twins: Twins) -> Table:
    def row(name: str, counts: LayerCounts) -> list[str]:
        return [
            name,
            f"{counts.weights:,}",
            f"{counts.parameters:,}",
            f"{counts.connections:,}",
            f"{counts.multiplications:,}",
            memory_text(counts.memory),
        ]

    return Table(
        f"{twins.layer}, {show(twins.in_shape)} to {show(twins.out_shape)}",
        ["layer", "weights", "parameters", "connections", "multiplications", "memory"],
        rows=[
            row("conv: shared, sparse", twins.conv),
            row("local: sparse only", twins.local),
            row("dense", twins.dense),
        ],
    )


def memory_text(count: int) -> str:
    """A number of bytes, as `1.8 kB`."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"


def _total(convolutions: list[Weights]) -> Weights:
    return Weights(
        "all convolutions",
        sum(weights.conv for weights in convolutions),
        local=sum(weights.local for weights in convolutions),
        dense=sum(weights.dense for weights in convolutions),
    )


def _architecture_table(convolutions: list[Weights], size: int) -> Table:
    return Table(
        f"The convolutions of this network at {size}×{size}, and their local and dense twins "
        "(weights)",
        ["convolution", "weights", "local", "dense", "sparsity saves", "sharing saves"],
        rows=[
            [
                weights.layer,
                f"{weights.conv:,}",
                f"{weights.local:,}",
                f"{weights.dense:,}",
                f"{weights.dense / weights.local:,.1f}",
                f"{weights.local / weights.conv:,.0f}",
            ]
            for weights in convolutions
            if weights.conv
        ],
    )
