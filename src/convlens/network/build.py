"""From a network's layers to a torch module with random initial parameters."""

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import (
    Activation,
    Conv,
    Dense,
    Dropout,
    Full,
    GlobalPool,
    Layer,
    Local,
    Norm,
    Pool,
    Residual,
    ResponseNorm,
    Shape,
    Window,
)
from .spec import Network

MICRO_BATCH = 64
"""Most pictures that are computed together; normalisation sees one group, whatever the batch."""


class Classifier(nn.Module):
    """Pixels to logits: each channel to mean 0 and deviation 1, then the layers.

    Input float [N, 3, H, W], 0 to 1; output logits [N, K]. `mean` and `std` are those of the
    training pictures, per channel, kept with the parameters. Where it is `mirrored`, its answer,
    outside of training, is the mean over the picture and its mirror image. Logits are divided by
    `temperature`, outside of training.
    """

    mean: Tensor
    std: Tensor
    temperature: Tensor
    group = MICRO_BATCH
    mirrored = False
    pretrained = False

    def __init__(self, layers: nn.Module, mean: Iterable[float], *, std: Iterable[float]) -> None:
        super().__init__()
        self.layers = layers
        self.register_buffer("mean", torch.tensor(list(mean)).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(list(std)).view(1, 3, 1, 1))
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, pixels_NCHW: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, K]."""
        normal = (pixels_NCHW - self.mean) / self.std
        logits: Tensor = self.layers(normal)
        if self.training:
            return logits
        if self.mirrored:
            logits = (logits + self.layers(normal.flip(-1))) / 2
        return logits / self.temperature


class Local2d(nn.Module):
    """A convolution's connections with a weight of their own at every position.

    Weights [positions, kernel × in channels, filters], bias [positions, filters].
    """

    def __init__(self, in_shape: Shape, filters: int, *, window: Window) -> None:
        super().__init__()
        self.window = window
        self.out = window.slide(in_shape[1], in_shape[2], what="local")
        fan_in = in_shape[0] * window.kernel[0] * window.kernel[1]
        self.weight = nn.Parameter(torch.empty(self.out[0] * self.out[1], fan_in, filters))
        self.bias = nn.Parameter(torch.zeros(self.out[0] * self.out[1], filters))

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """[N, C, H, W] to [N, filters, H', W']."""
        (pad_y, pad_x), (step_y, step_x) = self.window.padding(), self.window.stride
        x = functional.pad(x_NCHW, (pad_x, pad_x, pad_y, pad_y))
        rows, columns = self.out
        cells = [
            x[
                :,
                :,
                i : i + step_y * (rows - 1) + 1 : step_y,
                j : j + step_x * (columns - 1) + 1 : step_x,
            ]
            for i in range(self.window.kernel[0])
            for j in range(self.window.kernel[1])
        ]
        # [N, kernel, C, H', W'] -> [positions, N, kernel × C]
        patches = torch.stack(cells, 1).flatten(3).permute(3, 0, 1, 2).flatten(2)
        out = torch.bmm(patches, self.weight) + self.bias[:, None]
        return out.permute(1, 2, 0).reshape(-1, out.shape[2], rows, columns)


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
        around = functional.pad(x_NCHW, (1, 1, 1, 1), mode="reflect")
        kernel = self.kernel.expand(channels, -1, -1, -1)
        return functional.conv2d(around, kernel, stride=self.stride, groups=channels)


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


class FewerDraws(nn.Dropout):
    """Dropout from a quarter of the random numbers that torch takes, and in less time.

    torch draws 64 bits for each element and works out a float; 16 bits will do, and give the
    rate to 1 in 65,536.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, with elements at 0 in training, and the others made larger for that."""
        if not self.training or x.device.type != "cpu":
            return super().forward(x)
        wide = torch.empty(-(-x.numel() // 4), dtype=torch.int64)
        narrow = wide.random_(torch.iinfo(torch.int64).min, None).view(torch.int16)
        draws = narrow.as_strided(x.shape, torch.empty_like(x).stride())
        kept = draws >= round(self.p * 2**16) - 2**15
        return x * kept.to(x.dtype).div_(1 - self.p)


_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}


def _module(layer: Layer, shape: Shape) -> nn.Module:  # noqa: PLR0912 -- one case per layer
    match layer:
        case Conv(filters, window, groups):
            return nn.Conv2d(
                shape[0], filters, window.kernel, window.stride, window.padding(), groups=groups
            )
        case Local(filters, window):
            return Local2d(shape, filters, window=window)
        case Full(filters, window):
            out = layer.out_shape(shape)
            return nn.Sequential(
                nn.Flatten(),
                nn.Linear(torch.Size(shape).numel(), torch.Size(out).numel()),
                nn.Unflatten(1, out),
            )
        case Pool(kind, window, blur):
            stride = (1, 1) if blur else window.stride
            pool: nn.Module
            if kind == "pool":
                pool = nn.MaxPool2d(window.kernel, stride, window.padding())
            else:
                pool = nn.AvgPool2d(
                    window.kernel, stride, window.padding(), count_include_pad=False
                )
            return nn.Sequential(pool, Blur(window.stride)) if blur else pool
        case GlobalPool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case Dense(units):
            inputs = torch.Size(shape).numel()
            return nn.Sequential(nn.Flatten(), nn.Linear(inputs, units))
        case Norm():
            return nn.BatchNorm2d(shape[0]) if len(shape) == 3 else nn.BatchNorm1d(shape[0])
        case ResponseNorm():
            return nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2)  # torch takes a mean
        case Activation(name):
            return _ACTIVATIONS[name]()
        case Dropout(rate):
            return FewerDraws(rate)
        case Residual(body, activation):
            conv = layer.shortcut(shape)
            return ResidualBlock(
                _sequence(body, shape),
                _module(conv, shape) if conv else nn.Identity(),
                activation=_ACTIVATIONS[activation](),
            )


def _sequence(layers: Iterable[Layer], shape: Shape) -> nn.Sequential:
    modules = []
    for layer in layers:
        modules.append(_module(layer, shape))
        shape = layer.out_shape(shape)
    for at, (one, other) in enumerate(pairwise(modules)):
        # the largest of some values is the same before and after, and then there are fewer of them
        if isinstance(one, nn.ReLU) and isinstance(other, nn.MaxPool2d):
            modules[at : at + 2] = nn.Identity(), nn.Sequential(other, one)
    return nn.Sequential(*modules)


def initialise(module: nn.Module, seed: int) -> None:
    """Random initial parameters: normal, variance 2 / fan-in (He et al. 2015), biases 0.

    The last scale of each residual block begins at 0, so that the block begins as its shortcut
    (Goyal et al. 2017).
    """
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear | Local2d):
            fan_in = part.weight[0].numel()
            if isinstance(part, Local2d):
                fan_in = part.weight.shape[1]
            with torch.no_grad():
                part.weight.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
                if part.bias is not None:
                    part.bias.zero_()
        elif isinstance(part, ResidualBlock) and isinstance(part.body, nn.Sequential):
            last = part.body[-1]
            if isinstance(last, nn.BatchNorm2d):
                nn.init.zeros_(last.weight)


def build(
    network: Network,
    seed: int,
    *,
    mean: Iterable[float] = (0.5, 0.5, 0.5),
    std: Iterable[float] = (0.25, 0.25, 0.25),
) -> Classifier:
    """A module of the network with initial parameters from the seed."""
    layers = _sequence(network.all_layers, network.in_shape)
    initialise(layers, seed)
    return Classifier(layers, mean, std=std)
