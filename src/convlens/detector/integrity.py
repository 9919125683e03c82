"""What may reach ONNX Runtime: a file as convlens wrote it, and nothing in it that it never writes.

ONNX Runtime trusts a graph, and damaged ones have crashed it. So a detector file ends with a
checksum over all before it, and its graph is looked through before it is loaded. The reader of
protobuf's wire format is our own because the `onnx` package would have to be loaded for each
prediction, and installed wherever one is made.
"""

import hashlib
import math

from .sessions.protobuf import fields, message, packed, text

KEY = b"sha256"
_HEAD = b"\x72\x4a\x0a\x06" + KEY + b"\x12\x40"
"""An entry of a model's metadata: field 14, 74 bytes, key, and a value of 64 characters."""
SUM = 64
SEAL = len(_HEAD) + SUM

_OPERATORS = """
    Abs Add ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant
    ConstantOfShape Conv DequantizeLinear Div Einsum Elu Equal Erf Exp Expand Flatten Floor
    Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater
    GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization LRN
    LayerNormalization LeakyRelu LogSoftmax MatMul Max MaxPool Min Mish Mod Mul Neg
    NonMaxSuppression Not PRelu Pad Pow QuantizeLinear Range Reciprocal ReduceL2 ReduceMax
    ReduceMean ReduceMin ReduceSum Relu Reshape Resize ScatterND Selu Shape Sigmoid Sign
    Slice Softmax Softplus Split Sqrt Squeeze Sub Tanh TopK Transpose Unsqueeze Where
"""
OPERATORS = frozenset(_OPERATORS.split())
"""Pure arithmetic on tensors: no loops, no branches, no functions, no domain but ONNX's own."""
MAX_BYTES = 2**31 - 1
MAX_NODES = 20_000
MAX_LENGTH = 2**31
BYTES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2}
"""Bytes of an element by ONNX's data type: the numbers that a graph of ours may hold."""


def seal(data: bytes) -> bytes:
    """A model with a checksum of itself as its last entry of metadata."""
    return data + _HEAD + _sum(data)


def unseal(data: bytes) -> memoryview:
    """The model without it, not copied. Raises `ValueError` where it is missing or wrong."""
    body = memoryview(data)[:-SEAL]
    if not data[-SEAL:].startswith(_HEAD):
        raise ValueError("it has no checksum of convlens at its end")
    if data[-SUM:] != _sum(body):
        raise ValueError("its checksum differs: the file was damaged or changed")
    return body


def checksum(data: bytes) -> str:
    """Of a sealed model: characters that no other one has."""
    return data[-SUM:].decode()


def _sum(data: bytes | memoryview) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def check_graph(data: bytes | memoryview) -> None:
    """Raise `ValueError` at what a detector of convlens never holds.

    Operators outside the list, subgraphs, functions, tensors in other files, tensors that are not
    as long as their shape says.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"{len(data):,} bytes are more than a model may have")
    graphs = 0
    for number, value in fields(memoryview(data)):
        if number == 7:
            graphs += 1
            _graph(message(value))
        elif number == 8:
            _opset(message(value))
        elif number in {20, 25}:
            raise ValueError("it has functions or training inside")
    if graphs != 1:
        raise ValueError(f"it has {graphs} graphs")


def _graph(graph: memoryview) -> None:
    nodes = 0
    for number, value in fields(graph):
        if number == 1:
            nodes += 1
            _node(message(value))
        elif number == 5:
            _tensor(message(value))
        elif number == 15:
            raise ValueError("it has sparse tensors")
    if nodes > MAX_NODES:
        raise ValueError(f"{nodes:,} operations are more than {MAX_NODES:,}")


def _node(node: memoryview) -> None:
    operator, domain = "", ""
    for number, value in fields(node):
        if number == 4:
            operator = text(value)
        elif number == 7:
            domain = text(value)
        elif number == 5:
            for inner, content in fields(message(value)):
                if inner == 5:
                    _tensor(message(content))
                elif inner in {6, 10, 11, 22, 23}:
                    raise ValueError(f"{operator or 'an operation'} holds more than numbers")
    if domain not in {"", "ai.onnx"} or operator not in OPERATORS:
        raise ValueError(f"it uses the operator {f'{domain} {operator}'.strip()!r}")


def _opset(opset: memoryview) -> None:
    for number, value in fields(opset):
        if number == 1 and text(value) not in {"", "ai.onnx"}:
            raise ValueError(f"it needs operators of {text(value)!r}")


def _tensor(tensor: memoryview) -> None:
    shape: list[int] = []
    kind, raw, typed = 0, None, False
    for number, value in fields(tensor):
        if number == 1:
            shape += [value] if isinstance(value, int) else list(packed(value))
        elif number == 2:
            kind = value if isinstance(value, int) else 0
        elif number == 9:
            raw = len(message(value))
        elif number in {4, 5, 7, 10, 11}:
            typed = True
        elif number in {6, 13} or (number == 14 and value):
            raise ValueError("a tensor is text, or lies in another file")
    if kind not in BYTES:
        raise ValueError(f"a tensor has elements of kind {kind}")
    if any(length >= MAX_LENGTH for length in shape):
        raise ValueError(f"a tensor has the shape {shape}")
    expected = math.prod(shape) * BYTES[kind]
    complete = typed if raw is None else raw == expected
    if expected > MAX_BYTES or (expected and not complete):
        raise ValueError(f"a tensor of shape {shape} holds {raw or 0:,} bytes")
