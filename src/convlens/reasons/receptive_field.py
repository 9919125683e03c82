"""The theoretical receptive field: which inputs an output can depend on, without torch."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..network.layers import Layer, Pointwise, inputs_of
from ..network.layers.shapes import Mask, Shape
from ..network.spec import Network


def receptive_field(layers: Sequence[Layer], in_shape: Shape, *, unit: tuple[int, ...]) -> Mask:
    """Which inputs can change one output. It is exact, as every connection is followed back.

    Args:
        layers: The layers between the inputs and the output.
        in_shape: Shape [C, H, W] of the inputs.
        unit: The output, as (channel, row, column), or (unit,) of a dense layer.

    Returns:
        True [C, H, W] for the inputs on which the output depends.
    """
    out_shape = in_shape
    for layer in layers:
        out_shape = layer.out_shape(out_shape)
    mask = np.zeros(out_shape, bool)
    mask[unit] = True
    return inputs_of(layers, mask, shape=in_shape)


def any_channel(mask_CHW: Mask) -> Mask:
    """Whether any channel is marked: [1, H, W]."""
    return np.logical_or.reduce(mask_CHW, 0, keepdims=True)


@dataclass(frozen=True)
class FieldSize:
    """The receptive field of one output in the middle of a layer.

    `rows` and `columns` are its extent in pixels, `units` the number of inputs in it, and `of` the
    number of all inputs.
    """

    layer: str
    out_shape: Shape
    _: KW_ONLY
    rows: int
    columns: int
    units: int
    of: int


def middle(shape: Shape) -> tuple[int, ...]:
    """The unit in the middle of the first channel."""
    return (0, *(length // 2 for length in shape[1:])) if len(shape) == 3 else (0,)


def field_sizes(network: Network) -> Iterator[FieldSize]:
    """The size of the receptive field of every layer that changes it."""
    layers, in_shape = network.all_layers, network.in_shape
    out_shape, before = in_shape, None
    for depth, layer in enumerate(layers, 1):
        out_shape = layer.out_shape(out_shape)
        if isinstance(layer, Pointwise):
            continue
        mask = receptive_field(layers[:depth], in_shape, unit=middle(out_shape))
        _, rows, columns = np.nonzero(mask)
        size = FieldSize(
            str(layer),
            out_shape,
            rows=len(set(rows.tolist())),
            columns=len(set(columns.tolist())),
            units=int(mask.sum()),
            of=mask.size,
        )
        extent = (size.rows, size.columns, size.units)
        if extent != before or len(out_shape) == 3:
            yield size
        before = extent
