"""What each value of each layer sees of the picture, followed through the graph."""

from typing import NamedTuple

from .graph import Graph, Node

_MIXING = """
    Einsum Expand Flatten Gather Gemm GlobalAveragePool GlobalMaxPool InstanceNormalization
    GroupNormalization ReduceL2 ReduceMax ReduceMean ReduceMin ReduceSum Reshape Resize Shape
    Squeeze Unsqueeze
"""
MIXING = frozenset(_MIXING.split())
"""Operators after which a value may depend on the whole picture."""


class Span(NamedTuple):
    """Unit i of `units` along an axis sees pixels `step` × i + `first` to `step` × i + `last`.

    But none before 0, and none behind `end`.
    """

    step: int
    first: int
    last: int
    end: int
    units: int

    def windowed(self, kernel: int, *, stride: int, pads: tuple[int, int], dilation: int) -> "Span":
        """Of a layer that slides a window over this one."""
        reach = dilation * (kernel - 1)
        count = (self.units + sum(pads) - reach - 1) // stride + 1
        step, first = self.step * stride, self.first - self.step * pads[0]
        last = self.last + self.step * (reach - pads[0])
        return Span(step, first, last, min(self.end, step * (count - 1) + last), count)

    def pixels(self, at: int) -> tuple[int, int]:
        """The first pixel that a unit sees, and the one behind the last."""
        start = self.step * at
        return max(0, start + self.first), min(self.end, start + self.last) + 1


Field = tuple[Span, Span]
"""Down and across."""


def fields_of(graph: Graph, picture: str, sides: tuple[int, int]) -> dict[str, Field | None]:
    """By each tensor's name, what its values see of the tensor `picture`; None is all of it.

    The picture has `sides` pixels down and across.

    Tensors that do not depend on it are left out.
    """
    down, across = (Span(1, 0, 0, side - 1, side) for side in sides)
    known: dict[str, Field | None] = {picture: (down, across)}
    for node in graph.nodes:
        given = [known[name] for name in node.inputs if name in known]
        if given and node.outputs[0] != picture:
            field = _after(node, graph, given)
            known |= dict.fromkeys(node.outputs, field)
    return known


def _after(node: Node, graph: Graph, given: list[Field | None]) -> Field | None:
    spans = [field for field in given if field is not None]
    if len(spans) < len(given) or node.operator in MIXING:
        return None
    if node.operator == "MatMul" and len(given) > 1:
        return None
    if node.operator in {"Conv", "MaxPool", "AveragePool"}:
        return _of_window(node, graph, spans[0])
    if node.operator == "Pad":
        return _of_padding(node, graph, spans[0])
    down, across = (_together(axis) for axis in zip(*spans, strict=True))
    return None if down is None or across is None else (down, across)


def _together(spans: tuple[Span, ...]) -> Span | None:
    """Of a sum: what any of its terms sees. None where they do not lie side by side."""
    if len({(span.step, span.units) for span in spans}) > 1:
        return None
    return spans[0]._replace(
        first=min(span.first for span in spans),
        last=max(span.last for span in spans),
        end=max(span.end for span in spans),
    )


def _of_window(node: Node, graph: Graph, field: Field) -> Field | None:
    weight = graph.tensor(node.inputs[1]) if node.operator == "Conv" else None
    kernel = node.numbers("kernel_shape", () if weight is None else weight.shape[2:])
    if len(kernel) != 2:
        return None
    strides, pads = node.numbers("strides", (1, 1)), node.numbers("pads", (0, 0, 0, 0))
    dilations = node.numbers("dilations", (1, 1))
    down, across = (
        span.windowed(
            kernel[axis],
            stride=strides[axis],
            pads=(pads[axis], pads[axis + 2]),
            dilation=dilations[axis],
        )
        for axis, span in enumerate(field)
    )
    return down, across


def _of_padding(node: Node, graph: Graph, field: Field) -> Field | None:
    pads = graph.tensor(node.inputs[1]) if len(node.inputs) > 1 else None
    if pads is None or len(pads) != 8:
        return None
    of_axes = zip(pads.tolist()[2:4], pads.tolist()[6:], strict=True)
    down, across = (
        span.windowed(1, stride=1, pads=around, dilation=1)
        for span, around in zip(field, of_axes, strict=True)
    )
    return down, across
