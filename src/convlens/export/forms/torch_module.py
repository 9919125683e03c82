"""A detector's graph as a torch module, for converters that take those."""

from collections.abc import Callable, Sequence
from typing import Any

import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ConvlensError

Attributes = dict[str, Any]


class OnnxModule(nn.Module):
    """Computes what the graph computes, operator by operator.

    Raises `ConvlensError` where there is one that is not among `OPERATORS`.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        graph = model.graph
        unknown = {node.op_type for node in graph.node} - {*OPERATORS, "Constant"}
        if unknown:
            raise ConvlensError(
                f"--to tflite: the network has {', '.join(sorted(unknown))}, which is not known; "
                "most networks of convolutions can be written so"
            )
        constants = {t.name: t for t in graph.initializer}
        self.nodes: list[tuple[str, Attributes, list[str | list[Any]], str]] = []
        for node in graph.node:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                constants[node.output[0]] = attributes["value"]
                continue
            inputs: list[str | list[Any]] = [*node.input]
            for position in range(NUMBERS.get(node.op_type, len(inputs)), len(inputs)):
                tensor = constants.get(node.input[position])
                inputs[position] = (
                    [] if tensor is None else numpy_helper.to_array(tensor).ravel().tolist()
                )
            self.nodes.append((node.op_type, attributes, inputs, node.output[0]))
        self.buffer_of = {name: f"constant_{n}" for n, name in enumerate(constants)}
        for name, tensor in constants.items():
            value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            self.register_buffer(self.buffer_of[name], value)
        self.given = graph.input[0].name
        self.outputs = [output.name for output in graph.output]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The outputs, in the graph's order."""
        values = {name: getattr(self, buffer) for name, buffer in self.buffer_of.items()}
        values[self.given] = image
        for kind, attributes, inputs, output in self.nodes:
            given = [x if isinstance(x, list) else values[x] if x else None for x in inputs]
            values[output] = OPERATORS[kind](attributes, *given)
        return tuple(values[name] for name in self.outputs)


def _padded(x: Tensor, attributes: Attributes, value: float = 0.0) -> Tensor:
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    if not any((top, left, bottom, right)):
        return x
    return functional.pad(x, [left, right, top, bottom], value=value)


def _conv(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    strides, dilations = a.get("strides", [1, 1]), a.get("dilations", [1, 1])
    x = _padded(x, a)
    return functional.conv2d(x, weight, bias, strides, 0, dilations, a.get("group", 1))


def _average_pool(a: Attributes, x: Tensor) -> Tensor:
    return functional.avg_pool2d(_padded(x, a), a["kernel_shape"], a.get("strides", [1, 1]))


def _max_pool(a: Attributes, x: Tensor) -> Tensor:
    x = _padded(x, a, -torch.inf)
    return functional.max_pool2d(x, a["kernel_shape"], a.get("strides", [1, 1]))


def _slice(
    _: Attributes,
    x: Tensor,
    starts: list[int],
    ends: list[int],
    axes: Sequence[int] = (),
    steps: Sequence[int] = (),
) -> Tensor:
    for n, axis in enumerate(axes or range(len(starts))):
        if (steps or [1] * len(starts))[n] == -1:  # of a picture's mirror image
            x = x.flip(axis)
        else:
            x = x.narrow(axis, starts[n], min(ends[n], x.shape[axis]) - starts[n])
    return x


def _clip(
    _: Attributes, x: Tensor, low: Sequence[float] = (), high: Sequence[float] = ()
) -> Tensor:
    return x.clamp(*(edge[0] if edge else None for edge in (low, high)))


def _gemm(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return functional.linear(x, weight if a.get("transB") else weight.T, bias)


def _mean(a: Attributes, x: Tensor, axes: list[int] | None = None) -> Tensor:
    return x.mean(axes or a["axes"], keepdim=bool(a.get("keepdims", 1)))


def _sum(a: Attributes, x: Tensor, axes: list[int] | None = None) -> Tensor:
    return x.sum(axes or a["axes"], keepdim=bool(a.get("keepdims", 1)))


def _batch_norm(
    a: Attributes, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    return functional.batch_norm(x, mean, variance, weight, bias, eps=a.get("epsilon", 1e-5))


NUMBERS = {"Clip": 1, "ReduceMean": 1, "ReduceSum": 1, "Reshape": 1, "Slice": 1}
"""From which input on those are plain numbers, which converters do not want as tensors."""

OPERATORS: dict[str, Callable[..., Tensor]] = {
    "Add": lambda _, x, y: x + y,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": lambda a, x: x.to(_dtype(a["to"])),
    "Clip": _clip,
    "Concat": lambda a, *parts: torch.cat(parts, a["axis"]),
    "Conv": _conv,
    "Div": lambda _, x, y: x / y,
    "Erf": lambda _, x: x.erf(),
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "HardSigmoid": lambda a, x: (a.get("alpha", 0.2) * x + a.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda _, x: functional.hardswish(x),
    "Identity": lambda _, x: x,
    "LeakyRelu": lambda a, x: functional.leaky_relu(x, a.get("alpha", 0.01)),
    "MatMul": lambda _, x, y: x @ y,
    "MaxPool": _max_pool,
    "Mul": lambda _, x, y: x * y,
    "Pow": lambda _, x, y: x**y,
    "ReduceMean": _mean,
    "ReduceSum": _sum,
    "Relu": lambda _, x: x.relu(),
    "Reshape": lambda _, x, shape: x.reshape(
        [number or x.shape[axis] for axis, number in enumerate(shape)]
    ),
    "Sigmoid": lambda _, x: x.sigmoid(),
    "Slice": _slice,
    "Softmax": lambda a, x: x.softmax(a.get("axis", -1)),
    "Sqrt": lambda _, x: x.sqrt(),
    "Sub": lambda _, x, y: x - y,
    "Tanh": lambda _, x: x.tanh(),
    "Transpose": lambda a, x: x.permute(a["perm"]),
}


def _dtype(kind: int) -> torch.dtype:
    """By ONNX's number; numpy and torch call types alike."""
    dtype: torch.dtype = getattr(torch, helper.tensor_dtype_to_np_dtype(kind).name)
    return dtype
