"""`--to float16`: weights in half the bytes, arithmetic as before."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST = 256
"""Numbers in a tensor from which on halving it counts."""


def float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large tensors as float16, cast back by the runtime once, when it loads the file.

    As TensorFlow Lite and OpenVINO do by default: CPUs have no float16 arithmetic to gain from.
    What is larger than float16 can hold stays as it is.
    """
    graph = model.graph
    casts = []
    for position, tensor in enumerate(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        half = numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}:float16")
        cast = helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT)
        cast.name = half.name
        casts.append(cast)
        graph.initializer[position].CopyFrom(half)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model
