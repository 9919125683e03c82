"""Sparse connections: which inputs an output can depend on, exactly, without torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    Shape,
    Window,
    show,
)
from ..network.spec import Network
from .section import Claim, Figure, Section, Table, exactly
from .sharing import grid

Mask = npt.NDArray[np.bool_]
BLUR = Window((3, 3), same=True)
RESPONSE = 5
"""Channels about a unit that local response normalisation looks at."""


def inputs_of(layers: Sequence[Layer], shape: Shape, *, unit: tuple[int, ...]) -> Mask:
    """True where an input [C, H, W] can change the output `unit` (channel, row, column) or (unit,).

    Exact for convolution, pooling and dense layers: it follows every connection back.
    """
    shapes = [shape]
    for layer in layers:
        shapes.append(layer.out_shape(shapes[-1]))
    mask = np.zeros(shapes[-1], bool)
    mask[unit] = True
    return _back(layers, shapes, mask=mask)


def _any(mask: Mask) -> Mask:
    """Whether any channel is marked: [1, H, W]."""
    return np.logical_or.reduce(mask, 0, keepdims=True)


def _back(layers: Sequence[Layer], shapes: Sequence[Shape], *, mask: Mask) -> Mask:
    for layer, shape in zip(reversed(layers), reversed(shapes[:-1]), strict=True):
        mask = _through(layer, shape, mask=mask)
    return mask


def _through(layer: Layer, shape: Shape, *, mask: Mask) -> Mask:
    """From the outputs of one layer to the inputs on which they depend."""
    match layer:
        case Conv(_, window, groups):
            channels = shape[0] // groups
            parts = np.split(mask, groups) if groups > 1 else [mask]
            found = [_window(window, shape, mask=_any(part)) for part in parts]
            return np.concatenate([np.repeat(part, channels, 0) for part in found])
        case Local(_, window):
            return np.repeat(_window(window, shape, mask=_any(mask)), shape[0], 0)
        case Pool(_, window, blur):
            if not blur:
                return _window(window, shape, mask=mask)
            slid = Window(window.kernel, (1, 1), window.same)
            between = (shape[0], *slid.slide(shape[1], shape[2], what="pool"))
            subsampled = Window(BLUR.kernel, window.stride, same=True)
            return _window(slid, shape, mask=_window(subsampled, between, mask=mask))
        case Norm() | Activation() | Dropout():
            return mask
        case ResponseNorm():
            reach = RESPONSE // 2
            padded = np.pad(mask, ((reach, reach), (0, 0), (0, 0)))
            around = np.lib.stride_tricks.sliding_window_view(padded, RESPONSE, 0)
            near: Mask = np.logical_or.reduce(around, -1)
            return near
        case GlobalPool():
            return np.broadcast_to(mask[:, None, None], shape).copy()
        case Dense() | Full():
            return np.full(shape, mask.any())
        case Residual(body, _):
            inner = [shape]
            for part in body:
                inner.append(part.out_shape(inner[-1]))
            conv = layer.shortcut(shape)
            return _back(body, inner, mask=mask) | (
                _through(conv, shape, mask=mask) if conv else mask
            )


def _window(window: Window, shape: Shape, *, mask: Mask) -> Mask:
    """Inputs under the windows of the marked outputs: [C or 1, H, W]."""
    (pad_y, pad_x), (step_y, step_x) = window.padding(), window.stride
    _, height, width = shape
    found = np.zeros((len(mask), height + 2 * pad_y, width + 2 * pad_x), bool)
    rows, columns = mask.shape[1:]
    for i in range(window.kernel[0]):
        for j in range(window.kernel[1]):
            found[
                :,
                i : i + step_y * (rows - 1) + 1 : step_y,
                j : j + step_x * (columns - 1) + 1 : step_x,
            ] |= mask
    return found[:, pad_y : pad_y + height, pad_x : pad_x + width]


@dataclass(frozen=True)
class Field:
    """What one output in the middle of a layer sees: rows × columns of the picture, and units."""

    layer: str
    out_shape: Shape
    rows: int
    columns: int
    units: int
    of: int

    def cells(self) -> list[str]:
        """As a table shows it."""
        share = f"{self.units / self.of:.1%}"
        return [
            self.layer,
            show(self.out_shape),
            f"{self.rows}×{self.columns}",
            f"{self.units:,}",
            share,
        ]


def middle(shape: Shape) -> tuple[int, ...]:
    """The first channel's unit in the middle."""
    return (0, *(side // 2 for side in shape[1:])) if len(shape) == 3 else (0,)


def fields(network: Network) -> Iterator[Field]:
    """The theoretical receptive field of every layer that changes it."""
    layers, shape = network.all_layers, network.in_shape
    of = int(np.prod(shape))
    out, before = shape, None
    for depth, layer in enumerate(layers, 1):
        out = layer.out_shape(out)
        if isinstance(layer, Activation | Norm | Dropout):
            continue
        mask = inputs_of(layers[:depth], shape, unit=middle(out))
        _, rows, columns = np.nonzero(mask)
        size = (len(set(rows.tolist())), len(set(columns.tolist())), int(mask.sum()))
        if size != before or len(out) == 3:
            yield Field(str(layer), out, *size, of)
        before = size


def section(network: Network | None = None) -> Section:
    """Nine of thirty-six, and the receptive field of every layer of a network."""
    one = inputs_of((Conv(1, Window((3, 3))),), (1, 6, 6), unit=(0, 0, 0))
    claims = [
        Claim(
            "Each output of a 3×3 filter on a 6×6 picture depends on 9 of 36 inputs",
            f"{one.sum()} of {one.size}",
            *exactly((int(one.sum()), one.size), (9, 36)),
        )
    ]
    tables, data = [], {"lecture": {"inputs": int(one.sum()), "of": one.size}}
    shown = grid(one[0].astype(float), "6×6 inputs: those of the first output are 1")
    figures = [Figure("What one output of a 3×3 filter sees, and all that it sees.", shown)]
    if network is not None:
        seen = list(fields(network))
        figures.append(_figure(network))
        tables.append(
            Table(
                "What one output in the middle of each layer can depend on",
                ["layer", "output", "receptive field", "inputs", "share"],
                rows=[field.cells() for field in seen],
            )
        )
        data["fields"] = [vars(field) for field in seen]  # type: ignore[assignment]
    return Section(
        "sparsity",
        "Sparse connections",
        claims=claims,
        tables=tables,
        figures=figures,
        notes=(),
        data=data,
    )


def _figure(network: Network) -> Figure:
    """For one output in the middle of every layer that gives maps: its inputs, white on black."""
    from .pictures import brightness_map, row_markup

    masks, out = [], network.in_shape
    for depth, layer in enumerate(network.all_layers, 1):
        out = layer.out_shape(out)
        if len(out) == 3 and not isinstance(layer, Activation | Norm | Dropout | ResponseNorm):
            mask = inputs_of(network.all_layers[:depth], network.in_shape, unit=middle(out))
            masks.append(brightness_map(_any(mask)[0]))
    return Figure(
        "The inputs that one output in the middle can depend on (white), layer by layer.",
        row_markup(masks, 110),
    )
