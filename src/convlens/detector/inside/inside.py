"""The maps of a detector's layers for a picture, and how single values of them were made."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil

import numpy as np
import numpy.typing as npt

from ...errors import UsageError
from ...pictures.boxes.box import Box
from ...pictures.canvas import covered, shape_of
from ...pictures.decode import RGB
from ..predictor import Predictor
from ..sessions.protobuf import field
from ..sessions.session import INPUT, SQUASHED, Session
from .fields import Field, fields_of
from .graph import Graph
from .layers import MapsTensor, map_tensors

CHOSEN = 6
"""Layers that are shown first."""
TERMS = 200
"""Most products of a value that are told one by one."""
COLOURS = 3
STRONGEST = 9
"""Patches of a filter."""

Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """One layer's maps.

    `kind` is the layer in words, `name` says where it stands in the network. `shape` is [C, h, w].
    `field` is what a value sees, in the pixels that the network sees, or None if that is all.
    `filters` [C, 3, k, k] are those of a convolution that sees colours. `adds_up` says whether its
    values can be told as sums.
    """

    kind: str
    name: str
    shape: tuple[int, int, int]
    _: KW_ONLY
    field: Field | None
    filters: Floats32 | None
    adds_up: bool


@dataclass(frozen=True)
class Sum:
    """A convolution's value at one place: inputs × weights [C, k, k], their sum, and the bias.

    `before` is the sum with the bias, `value` what the activation makes of it.
    """

    inputs: Floats32
    weights: Floats32
    _: KW_ONLY
    bias: float
    before: float
    value: float


@dataclass(frozen=True)
class Patch:
    """Where a filter answers most in a picture: what it sees there, as shares 0 to 1."""

    picture: int
    value: float
    box: Box


class Inside:
    """A detector whose layers can be looked at. Raises `UsageError` where it is no ONNX file.

    It reads the file alone: a network as text, a published one, one of boxes, any size.
    """

    def __init__(self, detector: Predictor) -> None:
        data = detector.session.graph()
        if data is None:
            raise UsageError(f"{detector.session.name}: one can look inside an ONNX file only")
        self.frame = detector.frame
        """What pictures are brought to before the network sees them."""
        graph = Graph(data)
        self._graph = graph
        tensors = list(map_tensors(graph))
        picture = SQUASHED if SQUASHED in graph.makers else INPUT
        fields = fields_of(graph, picture, shape_of(self.frame))
        wanted = dict.fromkeys(
            name
            for one in tensors
            for name in (one.tensor, one.node.outputs[0], one.node.inputs[0])
        )
        part = b"".join(
            field(12, field(1, name.encode()))
            for name in wanted
            if name not in detector.session.shapes
        )
        session = detector.session.extended(part)
        assert session is not None  # noqa: S101
        self._session: Session = session
        blank = np.full((*shape_of(self.frame), 3), 128, np.uint8)
        # asked for nothing, ONNX Runtime gives all its outputs
        values = session.run(blank, [one.tensor for one in tensors]) if tensors else []
        shown = [
            (one, value.shape)
            for one, value in zip(tensors, values, strict=True)
            if value.ndim == 3 and min(value.shape[1:]) > 1
        ]
        self._tensors = [one for one, _ in shown]
        self.layers = [_layer(one, shape, fields.get(one.tensor), graph) for one, shape in shown]

    @cached_property
    def chosen(self) -> list[int]:
        """A few layers from the first to the last: of each size of maps, the last one's, thinned.

        The first is always among them; where sizes are fewer, so are some from the widest gaps.
        """
        sizes = {layer.shape[1:]: k for k, layer in enumerate(self.layers)}
        ends = sorted({0, *sizes.values()})
        chosen = [ends[round(k)] for k in np.linspace(0, len(ends) - 1, min(CHOSEN, len(ends)))]
        while len(chosen) < min(CHOSEN, len(self.layers)):
            before, after = max(pairwise(chosen), key=lambda pair: pair[1] - pair[0])
            chosen = sorted([*chosen, (before + after) // 2])
        return chosen

    def maps(self, image: RGB, layers: Sequence[int]) -> list[Floats32]:
        """The maps [C, h, w] of some layers for upright uint8 RGB [height, width, 3]."""
        return self._session.run(image, [self._tensors[k].tensor for k in layers])

    def seen(self, image: RGB, layer: int, *, row: int, column: int) -> Box:
        """What a value sees of a picture, as shares 0 to 1 of its width and height.

        Of one that sees nothing but the canvas beside the picture that is an edge of it.
        """
        spans = self.layers[layer].field
        if spans is None:
            return Box(0, 0, 1, 1)
        (top, bottom), (left, right) = (
            [min(1, edge / side) for edge in span.pixels(at)]
            for span, at, side in zip(spans, (row, column), self._covered(image), strict=True)
        )
        return Box(left, top, right, bottom)

    def field_size(self, layer: int) -> tuple[int, int]:
        """Rows and columns that a value sees of the picture that the network sees, in pixels."""
        height, width = shape_of(self.frame)
        field = self.layers[layer].field
        if field is None:
            return height, width
        rows, columns = (span.last - span.first + 1 for span in field)
        return min(height, rows), min(width, columns)

    def sum_of(self, image: RGB, layer: int, *, channel: int, row: int, column: int) -> Sum | None:
        """How a value was made; None where that is no convolution, or of too many products."""
        if not self.layers[layer].adds_up:
            return None
        one = self._tensors[layer]
        node = one.node
        weights, bias = (self._graph.tensor(name) for name in (*node.inputs, "")[1:3])
        assert weights is not None  # noqa: S101
        given, before, value = self._session.run(
            image, [node.inputs[0], node.outputs[0], one.tensor]
        )
        kernel = weights[channel]
        group = channel // (len(weights) // node.groups)
        given = given[group * len(kernel) : (group + 1) * len(kernel)]
        strides, pads = node.numbers("strides", (1, 1)), node.numbers("pads", (0, 0, 0, 0))
        dilations = node.numbers("dilations", (1, 1))
        rows, columns = (
            at * strides[axis] - pads[axis] + dilations[axis] * np.arange(kernel.shape[1 + axis])
            for axis, at in enumerate((row, column))
        )
        beyond = ~(
            ((rows >= 0) & (rows < given.shape[1]))[:, None]
            & ((columns >= 0) & (columns < given.shape[2]))
        )
        nearest = np.ix_(
            np.arange(len(kernel)),
            rows.clip(0, given.shape[1] - 1),
            columns.clip(0, given.shape[2] - 1),
        )
        return Sum(
            np.where(beyond, np.float32(0), given[nearest]),
            kernel,
            bias=0.0 if bias is None else float(bias[channel]),
            before=float(before[channel, row, column]),
            value=float(value[channel, row, column]),
        )

    def strongest(self, images: Sequence[RGB], layer: int, *, channel: int) -> list[Patch]:
        """The places where a filter answers most, one in each picture, the strongest first."""
        patches = []
        for number, image in enumerate(images):
            (maps,) = self.maps(image, [layer])
            patches.append(self.peak(image, layer, maps[channel], picture=number))
        return sorted(patches, key=lambda patch: -patch.value)[:STRONGEST]

    def peak(self, image: RGB, layer: int, values: Floats32, *, picture: int) -> Patch:
        """Where one of a layer's maps [h, w] is highest; a canvas beside the image is left out."""
        rows, columns = (
            ceil(count * share / side)
            for count, share, side in zip(
                values.shape, self._covered(image), shape_of(self.frame), strict=True
            )
        )
        within = values[:rows, :columns]
        row, column = map(int, np.unravel_index(int(within.argmax()), within.shape))
        box = self.seen(image, layer, row=row, column=column)
        return Patch(picture, float(within[row, column]), box)

    def _covered(self, image: RGB) -> tuple[int, int]:
        """Rows and columns of what the network sees that are the picture."""
        return covered(self.frame, *image.shape[:2])


def _layer(one: MapsTensor, shape: tuple[int, ...], field: Field | None, graph: Graph) -> Layer:
    weights = graph.tensor(one.node.inputs[1]) if one.node.operator == "Conv" else None
    sees_colours = weights is not None and weights.shape[1] == COLOURS and one.node.groups == 1
    return Layer(
        one.kind,
        one.name,
        (shape[0], shape[1], shape[2]),
        field=field,
        filters=weights if sees_colours else None,
        adds_up=weights is not None and weights[0].size <= TERMS,
    )
