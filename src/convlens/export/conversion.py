"""From a torch module to an ONNX graph."""

import copy
import io
import warnings
from typing import TYPE_CHECKING, Any

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..detector.sessions.session import SQUASHED
from ..network.hooks import forward_hooks
from .quiet import no_log

if TYPE_CHECKING:
    import onnx_ir

OPSET = 18


def network_graph(
    module: nn.Module,
    size: int | tuple[int, int],
    *outputs: str,
    inputs: tuple[str, ...] = (SQUASHED,),
    any_size: bool = False,
) -> onnx.ModelProto:
    """A module that takes uint8 [N, height, width, 3], once or more, as a graph for any N.

    It is for pictures of this size, or of `any_size`.

    It is converted by torch's exporter for TorchScript, which takes a second where the one for
    `torch.export` takes fifteen, and simplified by onnxscript.
    """
    import onnx_ir
    import onnxscript.optimizer

    height, width = size if isinstance(size, tuple) else (size, size)
    examples = (torch.zeros(2, height, width, 3, dtype=torch.uint8),) * len(inputs)
    file: Any = io.BytesIO()  # which the type, made for the other exporter, leaves out
    with warnings.catch_warnings(), no_log(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _statically_padded(module.eval(), examples),
            examples,
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: _axes(name, any_size) for name in (*inputs, *outputs)},
        )
        model = onnx_ir.from_proto(onnx.load_from_string(file.getvalue()))
        onnxscript.optimizer.optimize_ir(model, should_fold=_is_of_paddings)
    return onnx_ir.to_proto(model)


def _is_of_paddings(node: "onnx_ir.Node") -> bool | None:
    """Yes for what onnxscript leaves lest a graph grow: here it is how wide paddings are."""
    return True if node.op_type == "ConstantOfShape" else None


def _axes(name: str, any_size: bool) -> dict[int, str]:
    """The axes of an input or output that may have any length, and what each is called."""
    return {0: "batch", **({1: f"{name}_height", 2: f"{name}_width"} if any_size else {})}


def _statically_padded(module: nn.Module, examples: tuple[Tensor, ...]) -> nn.Module:
    """A copy whose padding like TensorFlow's is what these examples need, not computed anew.

    Computing it would stand in the graph, whose runtimes are slower by it.
    """
    from timm.layers import Conv2dSame
    from timm.layers.padding import pad_same_arg

    paddings: dict[str, list[int]] = {}

    def note(name: str, layer: nn.Module, inputs: tuple[Any, ...], _: Any) -> None:
        if isinstance(layer, Conv2dSame):
            sides = list(inputs[0].shape[-2:])
            paddings[name] = pad_same_arg(sides, layer.kernel_size, layer.stride, layer.dilation)

    with forward_hooks(module.named_modules(), note), torch.no_grad():
        module(*examples)
    if not paddings:
        return module
    module = copy.deepcopy(module)
    for name, padding in paddings.items():
        parent, _, own = name.rpartition(".")
        padded = _Padded(module.get_submodule(name), padding)
        setattr(module.get_submodule(parent), own, padded)
    return module


class _Padded(nn.Module):
    """A convolution with TensorFlow's padding for maps of one side."""

    def __init__(self, conv: nn.Module, padding: list[int]) -> None:
        super().__init__()
        assert isinstance(conv, nn.Conv2d)  # noqa: S101
        self.conv = conv
        self.padding = padding

    def forward(self, x_NCHW: Tensor) -> Tensor:
        conv, padded = self.conv, functional.pad(x_NCHW, self.padding)
        return functional.conv2d(
            padded, conv.weight, conv.bias, conv.stride, 0, conv.dilation, conv.groups
        )
