"""The theoretical receptive field: which inputs an output can depend on, without torch."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt

from ..network.layers import (
    Activation,
    Conv,
    Dense,
    Dropout,
    Full,
    GlobalPool,
    Layer,
    Local,
    Norm,
    Pool,
    Residual,
    ResponseNorm,
)
from ..network.shapes import Shape, Window
from ..network.spec import Network

Mask = npt.NDArray[np.bool_]
BLUR = Window((3, 3), same=True)
RESPONSE = 5
"""Channels around a unit that local response normalisation looks at."""


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
    return _back(layers, in_shape, mask=mask)


def any_channel(mask_CHW: Mask) -> Mask:
    """Whether any channel is marked: [1, H, W]."""
    return np.logical_or.reduce(mask_CHW, 0, keepdims=True)


def _back(layers: Sequence[Layer], in_shape: Shape, *, mask: Mask) -> Mask:
    """From outputs of the last layer to the inputs of the first one on which they depend."""
    shapes = [in_shape]
    for layer in layers:
        shapes.append(layer.out_shape(shapes[-1]))
    for layer, shape in zip(reversed(layers), reversed(shapes[:-1]), strict=True):
        mask = _through(layer, shape, mask=mask)
    return mask


def _through(layer: Layer, shape: Shape, *, mask: Mask) -> Mask:
    """From outputs of one layer to its inputs, of that shape, on which they depend."""
    match layer:
        case Conv(_, window, groups):
            channels = shape[0] // groups
            inputs = [
                _window(window, shape, mask=any_channel(part)) for part in np.split(mask, groups)
            ]
            return np.concatenate([np.repeat(part, channels, 0) for part in inputs])
        case Local(_, window):
            return np.repeat(_window(window, shape, mask=any_channel(mask)), shape[0], 0)
        case Pool(_, window, blur):
            if not blur:
                return _window(window, shape, mask=mask)
            pooling = Window(window.kernel, (1, 1), window.same)
            between = (shape[0], *pooling.slide(shape[1], shape[2], what="pool"))
            blurring = Window(BLUR.kernel, window.stride, same=True)
            return _window(pooling, shape, mask=_window(blurring, between, mask=mask))
        case Norm() | Activation() | Dropout():
            return mask
        case ResponseNorm():
            reach = RESPONSE // 2
            padded = np.pad(mask, ((reach, reach), (0, 0), (0, 0)))
            neighbours = np.lib.stride_tricks.sliding_window_view(padded, RESPONSE, 0)
            reached: Mask = np.logical_or.reduce(neighbours, -1)
            return reached
        case GlobalPool():
            return np.broadcast_to(mask[:, None, None], shape).copy()
        case Dense() | Full():
            return np.full(shape, mask.any())
        case Residual(body, _):
            conv = layer.shortcut(shape)
            shortcut = _through(conv, shape, mask=mask) if conv else mask
            return _back(body, shape, mask=mask) | shortcut


def _window(window: Window, shape: Shape, *, mask: Mask) -> Mask:
    """Inputs under the windows of the marked outputs: [C or 1, H, W]."""
    (pad_y, pad_x), (step_y, step_x) = window.padding(), window.stride
    _, height, width = shape
    padded = np.zeros((len(mask), height + 2 * pad_y, width + 2 * pad_x), bool)
    rows, columns = mask.shape[1:]
    for i in range(window.kernel[0]):
        for j in range(window.kernel[1]):
            padded[
                :,
                i : i + step_y * (rows - 1) + 1 : step_y,
                j : j + step_x * (columns - 1) + 1 : step_x,
            ] |= mask
    return padded[:, pad_y : pad_y + height, pad_x : pad_x + width]


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
        if isinstance(layer, Activation | Norm | Dropout):
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
