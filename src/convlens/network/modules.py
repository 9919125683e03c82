"""The torch module of each layer, those that torch does not have among them."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import convolution, pooling, residual, units
from .layers.layer import Layer
from .layers.shapes import Shape
from .local2d import Local2d


class Blur(nn.Module):
    """Blur each map by [1 2 1]² / 16, reflected at the border, then subsample (Zhang 2019)."""

    kernel: Tensor

    def __init__(self, stride: tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride
        row = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("kernel", torch.outer(row, row)[None, None] / 16, persistent=False)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C, H', W']."""
        channels = x_NCHW.shape[1]
        padded = functional.pad(x_NCHW, (1, 1, 1, 1), mode="reflect")
        kernel = self.kernel.expand(channels, -1, -1, -1)
        return functional.conv2d(padded, kernel, stride=self.stride, groups=channels)


class ResidualBlock(nn.Module):
    """activation(body(x) + shortcut(x))."""

    def __init__(self, body: nn.Module, shortcut: nn.Module, *, activation: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C', H', W']."""
        out: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return out


class FastDropout(nn.Dropout):
    """Dropout from a quarter of the random numbers that torch takes, and in less time.

    torch draws 64 bits for each element and works out a float; 16 bits will do, and give the
    rate to 1 in 65,536.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape; in training some elements become 0, and the others larger for that."""
        if not self.training or x.device.type != "cpu":
            return super().forward(x)
        wide = torch.empty(-(-x.numel() // 4), dtype=torch.int64)
        narrow = wide.random_(torch.iinfo(torch.int64).min, None).view(torch.int16)
        draws = narrow.as_strided(x.shape, torch.empty_like(x).stride())
        kept = draws >= round(self.p * 2**16) - 2**15
        return x * kept.to(x.dtype).div_(1 - self.p)


def _conv(conv: convolution.Conv, shape: Shape) -> nn.Module:
    window = conv.window
    return nn.Conv2d(
        shape[0],
        conv.filters,
        window.kernel,
        window.stride,
        window.padding(),
        groups=conv.groups,
    )


def _full(full: convolution.Full, shape: Shape) -> nn.Module:
    out = full.out_shape(shape)
    return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), prod(out)), nn.Unflatten(1, out))


def _pool(pool: pooling.Pool, shape: Shape) -> nn.Module:
    window = pool.window
    slide = (window.kernel, (1, 1) if pool.blur else window.stride, window.padding())
    module: nn.Module
    if pool.kind == "pool":
        module = nn.MaxPool2d(*slide)
    else:
        module = nn.AvgPool2d(*slide, count_include_pad=False)
    return nn.Sequential(module, Blur(window.stride)) if pool.blur else module


def _norm(norm: units.Norm, shape: Shape) -> nn.Module:
    return nn.BatchNorm2d(shape[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0])


def _residual(block: residual.Residual, shape: Shape) -> nn.Module:
    conv = block.shortcut(shape)
    return ResidualBlock(
        sequence(block.body, shape),
        _conv(conv, shape) if conv else nn.Identity(),
        activation=_ACTIVATIONS[block.activation](),
    )


_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}
MODULES: dict[type[Layer], Callable[[Any, Shape], nn.Module]] = {
    convolution.Conv: _conv,
    convolution.Local: lambda local, shape: Local2d(shape, local.filters, window=local.window),
    convolution.Full: _full,
    pooling.Pool: _pool,
    pooling.GlobalPool: lambda _, shape: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    units.Dense: lambda dense, shape: nn.Sequential(
        nn.Flatten(), nn.Linear(prod(shape), dense.units)
    ),
    units.Norm: _norm,
    # torch multiplies by alpha the mean of the squares, and the layer their sum
    units.ResponseNorm: lambda _, shape: nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2),
    units.Dropout: lambda dropout, shape: FastDropout(dropout.rate),
    units.Activation: lambda activation, shape: _ACTIVATIONS[activation.name](),
    residual.Residual: _residual,
}
"""Makes each kind of layer's module from the layer and the shape of its inputs."""


def sequence(layers: Iterable[Layer], shape: Shape) -> nn.Sequential:
    """The modules of layers, one after the other, for inputs of that shape."""
    modules = []
    for layer in layers:
        modules.append(MODULES[type(layer)](layer, shape))
        shape = layer.out_shape(shape)
    for index, (first, second) in enumerate(pairwise(modules)):
        # the largest of some values is the same before and after, and then there are fewer of them
        if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
            modules[index : index + 2] = nn.Identity(), nn.Sequential(second, first)
    return nn.Sequential(*modules)
