"""Which tensors of a graph are maps that are worth looking at."""

from collections.abc import Iterator, Set
from dataclasses import KW_ONLY, dataclass

from ..sessions.session import INPUT
from .graph import Graph, Node

_ACTIVATIONS = """
    BatchNormalization Clip Elu Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu Relu Selu Sigmoid
    Softplus Tanh
"""
ACTIVATIONS = frozenset(_ACTIVATIONS.split())
POOLS = {"MaxPool": "pool", "AveragePool": "avgpool"}


@dataclass(frozen=True)
class MapsTensor:
    """A layer's maps.

    `tensor` is its name in the graph, behind the activation, and `node` the operation before that.
    `kind` is the layer in words, and `name` says where it stands in the network.
    """

    tensor: str
    _: KW_ONLY
    node: Node
    kind: str
    name: str


def map_tensors(graph: Graph) -> Iterator[MapsTensor]:
    """Convolutions, pooling and sums, in the order in which a picture passes through them.

    The mirror image's own are left out.
    """
    mirrored: set[str] = set()
    computed = {INPUT}
    for node in graph.nodes:
        if mirrored & {*node.inputs} or _turns_round(node, graph):
            mirrored |= {*node.outputs}
            continue
        kind = _kind(node, graph, computed)
        if computed & {*node.inputs}:
            computed |= {*node.outputs}
        if kind:
            name = node.outputs[0].removesuffix("_output_0").split("/")
            parts = [part for part in name if part and part not in {"slid", "module", "maps"}]
            tensor = _activated(node.outputs[0], graph)
            yield MapsTensor(tensor, node=node, kind=kind, name=" ".join(parts[:-1][-2:]))


def _turns_round(node: Node, graph: Graph) -> bool:
    steps = node.inputs[4] if node.operator == "Slice" and len(node.inputs) > 4 else ""
    values = graph.tensor(steps) if steps else None
    return values is not None and values.tolist() == [-1]


def _kind(node: Node, graph: Graph, computed: Set[str]) -> str:
    if node.operator == "Conv":
        weight = graph.tensor(node.inputs[1])
        if weight is None or weight.ndim != 4:
            return ""
        side = "×".join(map(str, weight.shape[2:]))
        groups = f" groups {node.groups}" if node.groups > 1 else ""
        return f"conv {weight.shape[0]} {side}{groups}{_stride(node)}"
    if node.operator in POOLS:
        side = "×".join(map(str, node.numbers("kernel_shape", ())))
        return f"{POOLS[node.operator]} {side}{_stride(node)}"
    if node.operator == "Add" and {*node.inputs} <= computed:
        return "sum"
    return ""


def _stride(node: Node) -> str:
    stride = max(node.numbers("strides", (1, 1)))
    return f" stride {stride}" if stride > 1 else ""


def _activated(tensor: str, graph: Graph) -> str:
    """What an activation right behind it makes of a tensor, or else the tensor."""
    readers = [node for node in graph.readers.get(tensor, []) if node.operator != "Shape"]
    if len(readers) == 1 and readers[0].operator in ACTIVATIONS:
        return readers[0].outputs[0]
    if [node.operator for node in readers] == ["Sigmoid", "Mul"]:  # SiLU
        return readers[1].outputs[0]
    return tensor
