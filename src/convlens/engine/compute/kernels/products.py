"""Filters' gradients as products of matrices."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .gradients import torchs_gradient
from .replacement import Module, replace_layers


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
            to_x = torchs_gradient("maps", gradient_NKHW, x, weight, stride=stride, padding=padding)
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

    return replace_layers(module, replacement)
