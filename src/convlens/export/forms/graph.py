"""Changes to a detector's graph that keep its answers."""

import copy
from collections.abc import Iterator
from typing import Any

import onnx
import onnx_ir
import onnx_ir.passes.common as passes
from onnx import TensorProto, helper, numpy_helper

from ...detector.sessions.input_form import InputForm
from ...detector.sessions.session import INPUT, SIZES, WINDOWS

TYPES = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}
WEIGHTED = ("Conv", "Gemm", "MatMul")
"""Operators whose weights are most of a detector."""


def without_resize(model: onnx.ModelProto, form: InputForm) -> None:
    """Let the graph take pictures of one size, in this form; it can no longer slide."""
    graph = model.graph
    resize = next(node for node in graph.node if node.op_type == "Resize")
    transpose = next(node for node in graph.node if node.input[0] == resize.output[0])
    if form.layout == "NCHW":
        graph.node.remove(transpose)
        _rename(graph, transpose.output[0], INPUT)
    else:
        transpose.input[0] = INPUT
    graph.node.remove(resize)
    _keep(graph.initializer, [t for t in graph.initializer if t.name != SIZES])
    _keep(graph.output, [output for output in graph.output if output.name != WINDOWS])
    given = helper.make_tensor_value_info(INPUT, TYPES[form.dtype], form.shape)
    _keep(graph.input, [given])
    for output in graph.output:
        batch = output.type.tensor_type.shape.dim[0]
        if form.batch == "1":
            batch.dim_value = 1
    _keep(model.metadata_props, [p for p in model.metadata_props if p.key != "slides"])


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
        _rename(graph, node.output[0], node.input[0])
    once = onnx_ir.from_proto(model)
    for change in (
        passes.DeduplicateHashedInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
        passes.RemoveUnusedNodesPass(),
    ):
        change(once)
    return onnx_ir.to_proto(once)


def body(model: onnx.ModelProto) -> list[str]:
    """Names of the operations with weights that lie before the head, whose are the last.

    A head may stand there twice, once for each view of the picture. What leads to no class, such as
    how strange a picture is, is not among them.
    """
    graph = model.graph
    before = list(_before(graph, {graph.output[0].name}))[::-1]
    weighted = [node for node in before if node.op_type in WEIGHTED]
    return [node.name for node in weighted if node.input[1] != weighted[-1].input[1]]


def _before(graph: onnx.GraphProto, wanted: set[str]) -> Iterator[onnx.NodeProto]:
    """The nodes that these tensors come from, the last first."""
    for node in reversed(graph.node):
        if wanted & {*node.output}:
            wanted |= {*node.input}
            yield node


def _rename(graph: onnx.GraphProto, name: str, other: str) -> None:
    """Read another tensor wherever this one was read."""
    for node in graph.node:
        for position, given in enumerate(node.input):
            if given == name:
                node.input[position] = other


def _keep(field: Any, entries: list[Any]) -> None:
    """Leave these entries of a repeated field."""
    kept = [copy.deepcopy(entry) for entry in entries]
    del field[:]
    field.extend(kept)
