"""Changes to a detector's graph that keep its answers."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnx_ir
import onnx_ir.passes.common as passes
from onnx import TensorProto, helper, numpy_helper

from ...detector.sessions.input_form import InputForm
from ...detector.sessions.session import (
    ENLARGED,
    INPUT,
    OWN_SIDES,
    SQUASHED,
    WINDOWS,
)
from ...pictures.canvas import shape_of

TYPES = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}
WEIGHTED = ("Conv", "Gemm", "MatMul")
"""Operators whose weights are most of a detector."""
LEAST = 2
"""With no more layers than these, there is nothing between the first one and the head."""
HEADS = "/head/"
"""In the names of the nodes of a detector of boxes that are its head's."""


def without_resize(model: onnx.ModelProto, form: InputForm) -> None:
    """Let the graph take pictures of one size, in this form; it can no longer slide.

    Boxes are in pixels of that size then.
    """
    graph = model.graph
    transpose = next(node for node in graph.node if node.input[0] == SQUASHED)
    if form.layout == "NCHW":
        graph.node.remove(transpose)
        rename(graph, transpose.output[0], INPUT)
    else:
        transpose.input[0] = INPUT
    keep(graph.output, [output for output in graph.output if output.name != WINDOWS])
    once = {ENLARGED: (1, 1), OWN_SIDES: shape_of(form.frame)}
    keep(graph.node, [node for node in graph.node if not {*once} & {*node.output}])
    for name, values in once.items():
        graph.initializer.append(numpy_helper.from_array(np.array(values, np.float32), name))
    keep(graph.node, list(_before(graph, {output.name for output in graph.output}))[::-1])
    read = {name for node in graph.node for name in node.input}
    keep(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in read])
    keep(graph.input, [helper.make_tensor_value_info(INPUT, TYPES[form.dtype], form.shape)])
    if form.batch == "1":
        for output in graph.output:
            output.type.tensor_type.shape.dim[0].dim_value = 1
    keep(model.metadata_props, [p for p in model.metadata_props if p.key != "slides"])


def without_mirror_image(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph that looks at a picture only as it is.

    Where nothing is turned round, both views are one, so what follows them is computed once.
    Returns the graph itself where it has one view anyway.
    """
    graph = model.graph
    constants = {t.name: t for t in graph.initializer}
    constants |= {
        node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"
    }
    turned = [
        node
        for node in graph.node
        if node.op_type == "Slice"
        and len(node.input) > 4
        and numpy_helper.to_array(constants[node.input[4]]).tolist() == [-1]
    ]
    if not turned:
        return model
    for node in turned:
        graph.node.remove(node)
        rename(graph, node.output[0], node.input[0])
    once = onnx_ir.from_proto(model)
    for change in (
        passes.DeduplicateHashedInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
        passes.RemoveUnusedNodesPass(),
    ):
        change(once)
    return onnx_ir.to_proto(once)


def body(model: onnx.ModelProto) -> list[str]:
    """Names of the operations with weights that lie between the first layer and the head.

    A head is the last, and may stand there twice, once for each view of the picture; of boxes, each
    of the pyramid's maps has one. To the first belongs the one that looks at each of its maps by
    itself. What leads to no answer, such as how strange a picture is, is not among them.
    """
    graph = model.graph
    before = list(_before(graph, {graph.output[0].name}))[::-1]
    weighted = [node for node in before if node.op_type in WEIGHTED]
    weights = list(dict.fromkeys(node.input[1] for node in weighted))
    grouped = {
        node.input[1]
        for node in weighted
        for attribute in node.attribute
        if attribute.name == "group" and attribute.i > 1
    }
    first = 0 if len(weights) <= LEAST else 2 if weights[1] in grouped else 1
    ends = {weights[-1], *weights[:first]}
    return [n.name for n in weighted if HEADS not in n.name and n.input[1] not in ends]


def _before(graph: onnx.GraphProto, wanted: set[str]) -> Iterator[onnx.NodeProto]:
    """The nodes that these tensors come from, the last first."""
    for node in reversed(graph.node):
        if wanted & {*node.output}:
            wanted |= {*node.input}
            yield node


def rename(graph: onnx.GraphProto, name: str, other: str) -> None:
    """Read another tensor wherever this one was read."""
    for node in graph.node:
        for position, given in enumerate(node.input):
            if given == name:
                node.input[position] = other


def keep(field: Any, entries: list[Any]) -> None:
    """Leave these entries of a repeated field."""
    kept = [copy.deepcopy(entry) for entry in entries]
    del field[:]
    field.extend(kept)
