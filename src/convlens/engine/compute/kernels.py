"""Convolutions computed in another way than torch's own where that is faster; same results."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

Module = TypeVar("Module", bound=nn.Module)


class _Float32(nn.Module):
    """Stays in float32 under autocast.

    Convolutions in groups are made so: oneDNN 3.12 takes several times as long for the backward
    pass of a depthwise one in bfloat16 as in float32, which undoes what the other layers gain.
    """

    def forward(self, x: Tensor) -> Tensor:
        """As the class behind it, without autocast."""
        if not torch.is_autocast_enabled("cpu"):
            return self._own(x)
        with torch.autocast("cpu", enabled=False):
            return self._own(x.float())

    def _own(self, x: Tensor) -> Tensor:
        out: Tensor = super().forward(x)
        return out


@cache
def _in_float32(kind: type[nn.Module]) -> type[nn.Module]:
    """A kind of layer that stays in float32."""
    return type(kind.__name__, (_Float32, kind), {})


def _replace_layers(
    module: Module, replacement: Callable[[nn.Module], type[nn.Module] | None]
) -> Module:
    """Put layers of other classes in the place of some, and return the module.

    A new layer has the parameters, settings and hooks of the one before it.
    """
    for name, child in module.named_children():
        new = _replace_layers(child, replacement)
        if new is not child:
            setattr(module, name, new)
    kind = replacement(module)
    if kind is None:
        return module
    layer = kind.__new__(kind)
    layer.__dict__.update(module.__dict__)
    return cast("Module", layer)


def grouped_in_float32(module: Module) -> Module:
    """Replace every convolution in groups by one that stays in float32; returns the module."""

    def replacement(layer: nn.Module) -> type[nn.Module] | None:
        grouped = isinstance(layer, nn.Conv2d) and layer.groups > 1
        return _in_float32(type(layer)) if grouped and not isinstance(layer, _Float32) else None  # type: ignore[arg-type]

    return _replace_layers(module, replacement)


class _ByProduct(torch.autograd.Function):
    """A convolution whose weights' gradient is one matrix product.

    oneDNN 3.12 reaches a twentieth to a fifth of the forward pass's rate for that gradient where
    maps are small: it splits the work by positions, of which there are few, and each has to add up
    over all pictures. With the patches laid out as rows, all are one sum.
    """

    @staticmethod
    def forward(
        context: Any,
        x_NCHW: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        context.save_for_backward(x_NCHW, weight)
        context.window = stride, padding, bias is not None
        return functional.conv2d(x_NCHW, weight, bias, stride, padding)

    @staticmethod
    def backward(
        context: Any, gradient_NKHW: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, weight = context.saved_tensors
        stride, padding, biased = context.window
        of_x, of_weight, of_bias = context.needs_input_grad[:3]
        to_x = to_weight = to_bias = None
        if of_x:
            to_x = torch.ops.aten.convolution_backward(
                gradient_NKHW,
                x,
                weight,
                None,
                stride,
                padding,
                (1, 1),
                False,
                (0, 0),
                1,
                (True, False, False),
            )[0]
        if of_weight:
            to_weight = _weight_gradient(
                x, gradient_NKHW, weight=weight, stride=stride, padding=padding
            )
        if biased and of_bias:
            to_bias = gradient_NKHW.sum((0, 2, 3))
        return to_x, to_weight, to_bias, None, None


def _weight_gradient(
    x_NCHW: Tensor,
    gradient_NKHW: Tensor,
    *,
    weight: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> Tensor:
    """Of the filters [K, C, kernel]: gradients [K, N × positions] times patches."""
    filters, channels, *kernel = weight.shape
    (down, right), (pad_y, pad_x) = stride, padding
    pictures, _, rows, columns = gradient_NKHW.shape
    x = functional.pad(x_NCHW.permute(0, 2, 3, 1), (0, 0, pad_x, pad_x, pad_y, pad_y)).contiguous()
    picture, row, column, _ = x.stride()
    patches = x.as_strided(
        (pictures, rows, columns, *kernel, channels),
        (picture, down * row, right * column, row, column, 1),
    ).reshape(pictures * rows * columns, -1)
    gradients = gradient_NKHW.permute(1, 0, 2, 3).reshape(filters, -1)
    product = gradients.contiguous() @ patches
    return product.view(filters, *kernel, channels).permute(0, 3, 1, 2)


MOST_POSITIONS = 64
"""Largest map, of 8×8, whose filters' gradient is faster as a product."""
FEWEST_FILTERS = 256
"""On maps above a quarter of that, only from so many filters on."""


def _small(filters: int, positions: int) -> bool:
    return positions <= MOST_POSITIONS and (
        filters >= FEWEST_FILTERS or 4 * positions <= MOST_POSITIONS
    )


class Conv2dByProduct(nn.Conv2d):
    """torch's convolution, with its weights' gradient as a product where its output is small."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, K, H', W']."""
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return super().forward(x)
        (down, right), (tall, wide) = self.stride, self.kernel_size
        pad_y, pad_x = cast("tuple[int, int]", self.padding)
        rows = (x.shape[2] + 2 * pad_y - tall) // down + 1
        columns = (x.shape[3] + 2 * pad_x - wide) // right + 1
        if not _small(self.out_channels, rows * columns):
            return super().forward(x)
        weight, bias = self.weight, self.bias
        if torch.is_autocast_enabled("cpu"):
            kind = torch.get_autocast_dtype("cpu")
            x, weight = x.to(kind), weight.to(kind)
            bias = None if bias is None else bias.to(kind)
        out: Tensor = _ByProduct.apply(x, weight, bias, self.stride, self.padding)
        return out


def gradients_by_product(module: Module) -> Module:
    """Replace every plain convolution by a `Conv2dByProduct`; returns the module."""

    def replacement(layer: nn.Module) -> type[nn.Module] | None:
        plain = (
            type(layer) is nn.Conv2d
            and layer.groups == 1
            and layer.dilation == (1, 1)
            and not isinstance(layer.padding, str)
            and layer.padding_mode == "zeros"
        )
        return Conv2dByProduct if plain else None

    return _replace_layers(module, replacement)
