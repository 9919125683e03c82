"""From a network's layers to a torch module with random initial parameters."""

from collections.abc import Iterable

import torch
from torch import nn

from .classifier import Classifier
from .local2d import Local2d
from .modules import ResidualBlock, sequence
from .spec import Network


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
    layers = sequence(network.all_layers, network.in_shape)
    initialise(layers, seed)
    return Classifier(layers, mean, std=std, tta_hflip=tta_hflip)
