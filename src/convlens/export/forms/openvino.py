"""`--to openvino`: OpenVINO's own graph and weights, pictures of any size in."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...detector.sessions.openvino import GRAPH, WEIGHTS
from ...detector.sessions.session import SQUASHED, WINDOWS
from ...pictures.canvas import Frame, shape_of
from .graph import keep, rename


def openvino(model: onnx.ModelProto, frame: Frame) -> dict[str, bytes]:
    """The files' names and bytes.

    OpenVINO leaves `antialias` out of ONNX's resize, without a word. So the resize is its own, made
    after Pillow's, which is within one level of the detector's.
    """
    import tempfile
    from pathlib import Path

    import openvino as ov
    from openvino import opset11

    _of_one_size(model, frame)
    graph = ov.Core().read_model(model.SerializeToString())
    resize = next(
        node
        for node in graph.get_ordered_ops()
        if node.get_type_name() == "Interpolate" and node.get_attributes()["antialias"]
    )
    image, sizes, axes = (resize.input_value(n) for n in (0, 1, resize.get_input_size() - 1))
    pillows = opset11.interpolate(image, sizes, "bilinear_pillow", "sizes", axes=axes)
    resize.output(0).replace(pillows.output(0))
    graph.validate_nodes_and_infer_types()
    with tempfile.TemporaryDirectory() as folder:
        ov.save_model(graph, Path(folder) / GRAPH, compress_to_fp16=False)
        return {name: (Path(folder) / name).read_bytes() for name in (GRAPH, WEIGHTS)}


def _of_one_size(model: onnx.ModelProto, frame: Frame) -> None:
    """Say of what is resized that it has one size, and no longer slide: that is faster."""
    graph = model.graph
    keep(graph.output, [output for output in graph.output if output.name != WINDOWS])
    shape = numpy_helper.from_array(np.array([0, *shape_of(frame), 3]), f"{SQUASHED}:shape")
    graph.initializer.append(shape)
    place = next(n for n, node in enumerate(graph.node) if SQUASHED in node.output) + 1
    rename(graph, SQUASHED, f"{SQUASHED}:known")
    reshape = helper.make_node("Reshape", [SQUASHED, shape.name], [f"{SQUASHED}:known"])
    graph.node.insert(place, reshape)
