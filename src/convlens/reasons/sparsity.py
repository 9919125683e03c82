"""Sparse connections, as a section: nine of thirty-six, and a network's receptive fields."""

from typing import Any

from ..network.layers import Conv, Pointwise, ResponseNorm
from ..network.layers.shapes import Window, show
from ..network.spec import Network
from .receptive_field import FieldSize, any_channel, field_sizes, middle, receptive_field
from .section import Claim, Figure, Section, Table, exactly
from .sharing import grid


def section(network: Network | None = None) -> Section:
    """The lecture's example, and the receptive field of every layer of a network."""
    mask = receptive_field((Conv(1, Window((3, 3))),), (1, 6, 6), unit=(0, 0, 0))
    inputs = int(mask.sum())
    claim = Claim(
        "Each output of a 3×3 filter on a 6×6 picture depends on 9 of 36 inputs",
        f"{inputs} of {mask.size}",
        *exactly((inputs, mask.size), (9, 36)),
    )
    inputs_grid = grid(mask[0].astype(float), "6×6 inputs: those of the first output are 1")
    figures = [Figure("What one output of a 3×3 filter sees, and all that it sees.", inputs_grid)]
    tables: list[Table] = []
    data: dict[str, Any] = {"lecture": {"inputs": inputs, "of": mask.size}}
    if network is not None:
        sizes = list(field_sizes(network))
        figures.append(_figure(network))
        tables.append(_table(sizes))
        data["fields"] = [vars(size) for size in sizes]
    return Section(
        "sparsity", "Sparse connections", claims=[claim], tables=tables, figures=figures, data=data
    )


def _table(sizes: list[FieldSize]) -> Table:
    return Table(
        "What one output in the middle of each layer can depend on",
        ["layer", "output", "receptive field", "inputs", "share"],
        rows=[
            [
                size.layer,
                show(size.out_shape),
                f"{size.rows}×{size.columns}",
                f"{size.units:,}",
                f"{size.units / size.of:.1%}",
            ]
            for size in sizes
        ],
    )


def _figure(network: Network) -> Figure:
    """For one output in the middle of every layer that gives maps: its inputs, white on black."""
    from .pictures import brightness_map, row_markup

    maps, out_shape = [], network.in_shape
    for depth, layer in enumerate(network.all_layers, 1):
        out_shape = layer.out_shape(out_shape)
        if len(out_shape) == 3 and not isinstance(layer, Pointwise | ResponseNorm):
            mask = receptive_field(
                network.all_layers[:depth], network.in_shape, unit=middle(out_shape)
            )
            maps.append(brightness_map(any_channel(mask)[0]))
    return Figure(
        "The inputs that one output in the middle can depend on (white), layer by layer.",
        row_markup(maps, 110),
    )
