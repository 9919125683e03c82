"""The detector file: raw pixels of any size in, boxes in the picture's own pixels out."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ...dataset.examples import to_float
from ...detector.sessions.session import ENLARGED, INPUT, OWN_SIDES, SQUASHED
from ...export.conversion import network_graph
from ...export.export import strip
from ...export.metadata import with_metadata
from ...pictures.canvas import GREY, Canvas
from ...pictures.resize import ATTRIBUTES
from ...tasks.boxes.prediction import OUTPUTS
from .calibration import Calibration
from .network import BoxNetwork
from .points import boxes_at, grid_points

AT_POINTS, LOGITS = "at_points", "logits"
"""Values in the graph: boxes [N, P, 4] on the canvas, and logits [N, K, P]."""
FLOOR = 0.01
"""No answer is less sure."""


class FromPixels(nn.Module):
    """uint8 [N, H, W, 3] to boxes [N, P, 4] in pixels of the canvas, and logits [N, K, P]."""

    points: Tensor
    strides: Tensor

    def __init__(self, network: BoxNetwork, canvas: Canvas) -> None:
        super().__init__()
        self.network = network
        points, strides = grid_points(canvas.height, canvas.width)
        self.register_buffer("points", points)
        self.register_buffer("strides", strides)

    def forward(self, canvas_NHWC: Tensor) -> tuple[Tensor, Tensor]:
        """Of pictures on their canvas."""
        outputs = self.network(to_float(canvas_NHWC))
        boxes = boxes_at(self.points, self.strides, distances_NP4=outputs[..., :4])
        return boxes, outputs[..., 4:].transpose(1, 2)


class BoxGraph:
    """A trained network as a graph, of which files with one calibration or another are made.

    Its input is uint8 RGB [N, height, width, 3]. Its outputs are boxes [N, M, 4] as left, top,
    right and bottom in the pictures' own pixels, scores [N, M], classes [N, M], and how many of the
    M = `most` there are [N]; the others are 0. The surest come first.

    Args:
        network: The trained one.
        canvas: What pictures are laid on.
        labels: The classes' names, in the order of the outputs.
        most: Answers for a picture at most; no more than there are points and classes.
        overlap: Of two boxes of one class that overlap more, only the surer one is an answer.
    """

    def __init__(
        self,
        network: BoxNetwork,
        canvas: Canvas,
        *,
        labels: Sequence[str],
        most: int,
        overlap: float,
    ) -> None:
        plain = network.float().to(memory_format=torch.contiguous_format).eval()
        from_pixels = FromPixels(plain, canvas)
        self.canvas, self.labels, self.overlap = canvas, tuple(labels), overlap
        self.most = min(most, len(from_pixels.points) * len(self.labels))
        self._model = _once(
            network_graph(from_pixels, (canvas.height, canvas.width), AT_POINTS, LOGITS)
        )
        strip(self._model, "detector")

    def file(self, calibration: Calibration, metadata: Mapping[str, Any]) -> bytes:
        """The detector file's bytes. Raises `onnx.checker.ValidationError` for an unsound graph."""
        model = copy.deepcopy(self._model)
        graph = model.graph
        before, after = _Nodes(), _Nodes()
        _lay_on_canvas(before, self.canvas)
        _choose(after, calibration, most=self.most, overlap=self.overlap)
        for node in reversed(before.nodes):
            graph.node.insert(0, node)
        graph.node.extend(after.nodes)
        graph.initializer.extend([*before.constants, *after.constants])
        del graph.input[:], graph.output[:]
        shape = ["batch", "height", "width", 3]
        graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape))
        boxes, scores, classes, number = OUTPUTS
        for name, kind, of in (
            (boxes, TensorProto.FLOAT, ["batch", self.most, 4]),
            (scores, TensorProto.FLOAT, ["batch", self.most]),
            (classes, TensorProto.INT64, ["batch", self.most]),
            (number, TensorProto.INT64, ["batch"]),
        ):
            graph.output.append(helper.make_tensor_value_info(name, kind, of))
        entries = {
            "format": "convlens detector 1",
            "task": "boxes",
            "labels": list(self.labels),
            "canvas": [self.canvas.height, self.canvas.width],
            **metadata,
        }
        return with_metadata(model, entries)


def _once(model: onnx.ModelProto) -> onnx.ModelProto:
    """With every filter in it once: the exporter joins normalisations to each use of one."""
    import onnx_ir
    from onnx_ir.passes.common import DeduplicateHashedInitializersPass

    joined = onnx_ir.from_proto(model)
    DeduplicateHashedInitializersPass()(joined)
    return onnx_ir.to_proto(joined)


class _Nodes:
    """Nodes and constants of a piece of a graph, each named by what comes out of it."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: Any, dtype: Any) -> str:
        """A constant; its name."""
        self.constants.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], out: str, **attributes: Any) -> str:
        """A node with one output; its name."""
        self.nodes.append(helper.make_node(kind, list(inputs), [out], out, **attributes))
        return out


def _lay_on_canvas(nodes: _Nodes, canvas: Canvas) -> None:
    """`Canvas.place`, from the input to what the network sees."""
    add, constant = nodes.add, nodes.constant
    sides = constant("canvas_sides", [canvas.height, canvas.width], np.int64)
    own = add("Shape", [INPUT], "picture_sides", start=1, end=3)
    own = add("Cast", [own], OWN_SIDES, to=TensorProto.FLOAT)
    whole = add("Cast", [sides], "canvas_sides_float", to=TensorProto.FLOAT)
    scale = add("ReduceMin", [add("Div", [whole, own], "scales")], "scale", keepdims=1)
    exact = add("Mul", [own, scale], "fitted_exactly")
    rounded = add(
        "Floor", [add("Add", [exact, constant("half", 0.5, np.float32)], "up")], "rounded"
    )
    least = add("Max", [rounded, constant("one", 1.0, np.float32)], "at_least_one")
    fitted = add("Min", [least, whole], "fitted")
    sizes = add("Cast", [fitted], "fitted_sides", to=TensorProto.INT64)
    small = add("Resize", [INPUT, "", "", sizes], "fitted_picture", **ATTRIBUTES)
    free = add("Sub", [sides, sizes], "free")
    none = constant("no_padding", [0] * 5, np.int64)
    after = constant("no_padding_of_channels", [0], np.int64)
    pads = add("Concat", [none, free, after], "pads", axis=0)
    grey = constant("grey", GREY, np.uint8)
    add("Pad", [small, pads, grey], SQUASHED, mode="constant")
    add("Div", [own, fitted], ENLARGED)  # rows and columns, for the way back


def _choose(nodes: _Nodes, calibration: Calibration, *, most: int, overlap: float) -> None:
    """From boxes and scores at all points to the surest ones, in the picture's own pixels."""
    add, constant = nodes.add, nodes.constant
    boxes, scores, classes, number = OUTPUTS
    steep = add("Mul", [LOGITS, constant("slope", calibration.slope, np.float32)], "steep_logits")
    moved = add("Add", [steep, constant("shift", calibration.shift, np.float32)], "sure_logits")
    add("Sigmoid", [moved], "sure")
    limits = [
        constant("most", [most], np.int64),
        constant("overlap", [overlap], np.float32),
        constant("floor", [calibration(np.array(FLOOR))], np.float32),
    ]
    kept = add("NonMaxSuppression", [AT_POINTS, "sure", *limits], "kept")
    values = add("GatherND", ["sure", kept], "kept_scores")
    shape = add("Shape", ["sure"], "shape_of_scores")
    empty = add("ConstantOfShape", [shape], "no_scores")
    sparse = add("ScatterND", [empty, kept, values], "scores_of_kept")
    flat = add("Reshape", [sparse, constant("flat", [0, -1], np.int64)], "flat_scores")
    points = add(
        "Slice",
        [shape, constant("two", [2], np.int64), constant("three", [3], np.int64)],
        "points_of_a_class",
    )
    nodes.nodes.append(helper.make_node("TopK", [flat, limits[0]], [scores, "best"], "surest"))
    add("Div", ["best", points], "classes_or_0")
    there = add("Greater", [scores, constant("nothing", 0.0, np.float32)], "there")
    counted = add("Cast", [there], "counted", to=TensorProto.INT64)
    add("Mul", ["classes_or_0", counted], classes)
    axis = constant("last_axis", [-1], np.int64)
    add("ReduceSum", [counted, axis], number, keepdims=0)
    point = add("Mod", ["best", points], "point")
    point = add("Unsqueeze", [point, axis], "point_of_each")
    four = add("Concat", [point] * 4, "point_of_each_edge", axis=2)
    edges = add("GatherElements", [AT_POINTS, four], "edges", axis=1)
    xy = constant("x_then_y", [1, 0, 1, 0], np.int64)
    edges = add("Mul", [edges, add("Gather", [ENLARGED, xy], "enlarged_xyxy")], "own_pixels")
    end = add("Gather", [OWN_SIDES, xy], "ends")
    edges = add("Min", [add("Relu", [edges], "from_0"), end], "within")
    shown = add("Cast", [counted], "shown", to=TensorProto.FLOAT)
    add("Mul", [edges, add("Unsqueeze", [shown, axis], "shown_edges")], boxes)
