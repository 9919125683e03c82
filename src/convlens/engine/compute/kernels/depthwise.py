"""Depthwise convolutions: no copy of padded maps, and filters' gradients by a few columns."""

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .gradients import torchs_gradient
from .replacement import Module, replace_layers

WIDEST = 3
"""Columns of a filter up to which oneDNN 3.12 has their gradient about as fast as the layer itself:
from four on it takes many times as long, and in bfloat16 more still."""
SAME = "Conv2dSame"
"""timm's, which pads as TensorFlow does: by one more pixel behind than before where that is odd. It
is told by its name, as timm takes seconds to import."""


class _Window(NamedTuple):
    """How filters move on one axis: their stride, and zeros before and behind (one more at most).

    Where there is one more behind, filters are given a zero before: then as many stand on either
    side, which a convolution does itself, without a copy of the maps.
    """

    stride: int
    before: int
    behind: int

    @property
    def added(self) -> int:
        """Zeros that are given to the filters."""
        return self.behind - self.before

    @staticmethod
    def same(length: int, kernel: int, stride: int) -> "_Window":
        """TensorFlow's padding."""
        zeros = max(0, (-(-length // stride) - 1) * stride + kernel - length)
        return _Window(stride, zeros // 2, zeros - zeros // 2)


class _ByColumns(torch.autograd.Function):
    """A depthwise convolution; `WIDEST` columns of its filters get their gradient at a time."""

    @staticmethod
    def forward(
        context: Any,
        x_NCHW: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        down: _Window,
        right: _Window,
    ) -> Tensor:
        context.save_for_backward(x_NCHW, weight)
        context.windows = down, right
        return _convolve(x_NCHW, weight, bias, down, right)

    @staticmethod
    def backward(
        context: Any, gradient_NCHW: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, weight = context.saved_tensors
        down, right = context.windows
        of_x, of_weight, of_bias = context.needs_input_grad[:3]
        to_x = to_weight = to_bias = None
        if of_x:
            filters = _extended(weight, down, right)
            to_x = _gradient("maps", gradient_NCHW, x, filters, down, right)
        if of_weight:
            to_weight = _weight_gradient(gradient_NCHW, x, weight, down, right)
        if of_bias:
            to_bias = gradient_NCHW.sum((0, 2, 3))
        return to_x, to_weight, to_bias, None, None


def _extended(weight: Tensor, down: _Window, right: _Window) -> Tensor:
    return functional.pad(weight, (right.added, 0, down.added, 0))


def _convolve(
    x_NCHW: Tensor, weight: Tensor, bias: Tensor | None, down: _Window, right: _Window
) -> Tensor:
    return functional.conv2d(
        x_NCHW,
        _extended(weight, down, right),
        bias,
        stride=(down.stride, right.stride),
        padding=(down.behind, right.behind),
        groups=len(weight),
    )


def _weight_gradient(
    gradient_NCHW: Tensor, x_NCHW: Tensor, weight: Tensor, down: _Window, right: _Window
) -> Tensor:
    """Of the filters [C, 1, kernel]: by columns side by side, of maps that are moved to them."""
    last, width = (gradient_NCHW.shape[-1] - 1) * right.stride, x_NCHW.shape[-1]
    parts = []
    for first in range(0, weight.shape[-1], WIDEST):
        columns = functional.pad(weight[..., first : first + WIDEST], (0, 0, down.added, 0))
        before = right.before - first
        behind = last + columns.shape[-1] - width - before
        x, window = x_NCHW, _Window(right.stride, before, behind)
        if window.added or before < 0:
            x, window = _padded(x, before, behind), _Window(right.stride, 0, 0)
        part = _gradient("filters", gradient_NCHW, x, columns, down, window)
        parts.append(part[:, :, down.added :])
    return torch.cat(parts, -1)


def _padded(x_NCHW: Tensor, before: int, behind: int) -> Tensor:
    """With columns of zeros on either side, or, of negative numbers, without some of its own."""
    if x_NCHW.shape[-1] + min(before, 0) + min(behind, 0) > 0:
        return functional.pad(x_NCHW, (before, behind))
    wider = functional.pad(x_NCHW, (max(before, 0), max(behind, 0)))  # torch cuts before it pads
    return wider[..., max(-before, 0) : wider.shape[-1] - max(-behind, 0)]


def _gradient(
    of: Literal["maps", "filters"],
    gradient_NCHW: Tensor,
    x_NCHW: Tensor,
    filters: Tensor,
    down: _Window,
    right: _Window,
) -> Tensor:
    return torchs_gradient(
        of,
        gradient_NCHW,
        x_NCHW,
        filters,
        stride=(down.stride, right.stride),
        padding=(down.behind, right.behind),
        groups=len(filters),
    )


if TYPE_CHECKING:
    _Convolution = nn.Conv2d
else:
    _Convolution = nn.Module


class _Depthwise(_Convolution):
    """In training, computes in the ways above, and in float32 where it has a stride and learns.

    oneDNN 3.12 takes far longer for the backward pass of a depthwise convolution with a
    stride in bfloat16.
    """

    def forward(self, x: Tensor) -> Tensor:
        """As the class behind it."""
        if not self.training:
            return super().forward(x)
        kind = x.dtype
        if torch.is_autocast_enabled("cpu"):
            learns = torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)
            exact = learns and self.stride != (1, 1)
            kind = torch.float32 if exact else torch.get_autocast_dtype("cpu")
        weight = self.weight.to(kind)
        bias = None if self.bias is None else self.bias.to(kind)
        down, right = self._windows(x)
        narrow = self.kernel_size[1] <= WIDEST and not (down.added or right.added)
        way = _convolve if narrow else _ByColumns.apply
        with torch.autocast("cpu", enabled=False):
            out: Tensor = way(x.to(kind), weight, bias, down, right)
        return out

    def _windows(self, x: Tensor) -> tuple[_Window, _Window]:
        sizes = zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        if type(self).__name__ == SAME:
            down, right = (_Window.same(*size) for size in sizes)
            return down, right
        padding = cast("tuple[int, int]", self.padding)
        down, right = (
            _Window(stride, zeros, zeros)
            for stride, zeros in zip(self.stride, padding, strict=True)
        )
        return down, right


class _Float32(nn.Module):
    """Stays in float32 under autocast: convolutions in groups that are not replaced otherwise."""

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
def _made(way: type[nn.Module], kind: type[nn.Module]) -> type[nn.Module]:
    """A kind of layer that computes in a way of ours."""
    return type(kind.__name__, (way, kind), {})


def depthwise_by_columns(module: Module) -> Module:
    """Replace depthwise convolutions by ones with a faster backward pass; returns the module."""

    def replacement(layer: nn.Module) -> type[nn.Module] | None:
        depthwise = (
            (type(layer) is nn.Conv2d or type(layer).__name__ == SAME)
            and isinstance(layer, nn.Conv2d)
            and not isinstance(layer, _Depthwise)
            and layer.groups == layer.in_channels == layer.out_channels > 1
            and layer.dilation == (1, 1)
            and not isinstance(layer.padding, str)
            and layer.padding_mode == "zeros"
        )
        return _made(_Depthwise, type(layer)) if depthwise else None  # type: ignore[arg-type]

    return replace_layers(module, replacement)


def grouped_in_float32(module: Module) -> Module:
    """Replace other convolutions in groups by ones that stay in float32; returns the module."""

    def replacement(layer: nn.Module) -> type[nn.Module] | None:
        grouped = isinstance(layer, nn.Conv2d) and layer.groups > 1
        done = isinstance(layer, _Depthwise | _Float32)
        return _made(_Float32, type(layer)) if grouped and not done else None  # type: ignore[arg-type]

    return replace_layers(module, replacement)
