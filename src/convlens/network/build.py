"""From a network's layers to a torch module with random initial parameters."""

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import nn

from .classifier import Classifier
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
)
from .modules import Blur, FastDropout, Local2d, ResidualBlock
from .shapes import Shape
from .spec import Network

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
            return FastDropout(rate)
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
    for index, (first, second) in enumerate(pairwise(modules)):
        # the largest of some values is the same before and after, and then there are fewer of them
        if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
            modules[index : index + 2] = nn.Identity(), nn.Sequential(second, first)
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
    tta_hflip: bool = False,
) -> Classifier:
    """A module of the network with initial parameters from the seed."""
    layers = _sequence(network.all_layers, network.in_shape)
    initialise(layers, seed)
    return Classifier(layers, mean, std=std, tta_hflip=tta_hflip)
