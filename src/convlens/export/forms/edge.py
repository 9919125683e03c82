"""`--to edge`: pictures of one size, which the caller resizes."""

import onnx

from ...detector.sessions.input_form import InputForm
from .graph import without_mirror_image, without_resize


def edge(model: onnx.ModelProto, form: InputForm, *, mirror: bool) -> onnx.ModelProto:
    """The graph from resized pixels on, with or without the picture's mirror image."""
    without_resize(model, form)
    if mirror:
        return model
    before = sum(node.op_type in {"Conv", "Gemm"} for node in model.graph.node)
    once = without_mirror_image(model)
    if sum(node.op_type in {"Conv", "Gemm"} for node in once.graph.node) < before:
        for entry in once.metadata_props:
            if entry.key == "multiplications":
                entry.value = str(int(entry.value) // 2)
    return once
