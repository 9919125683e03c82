"""The maps that style and content are compared in: pixels' neighbourhoods, and a network's."""

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor, nn
from torch.nn import functional

from ..network.build import initialise
from ..network.pretrained import imagenet_parameters, installed_packages

ALIGNED = 16
"""Tiles begin at multiples of it, which every stride divides."""
WIDTHS = (32, 64, 128, 128)
"""Maps of the random network, at the whole side, a half, a quarter and an eighth."""


class StyleFeatures(nn.Module):
    """Pixels [N, 3, H, W], 0 to 1, to maps [N, C, H / stride, W / stride], the largest first.

    The first holds the cosine transform of each pixel's 3×3 neighbourhood: networks begin with a
    stride of 2, and say little of what single pixels do. `layers` makes a list of the others.
    """

    waves: Tensor

    def __init__(self, layers: nn.Module, *, name: str) -> None:
        super().__init__()
        self.layers, self.name = layers, name
        row = torch.from_numpy(dct(np.eye(3), axis=0, norm="ortho")).float()
        waves = torch.einsum("iy,jx->ijyx", row, row).reshape(9, 1, 3, 3)
        self.register_buffer("waves", waves)
        self.eval().requires_grad_(False)

    def forward(self, pixels_NCHW: Tensor) -> list[Tensor]:
        """The maps."""
        n, _, height, width = pixels_NCHW.shape
        centred = pixels_NCHW - 0.5
        padded = functional.pad(centred, (1, 1, 1, 1), mode="replicate")
        waves = functional.conv2d(padded.view(3 * n, 1, height + 2, width + 2), self.waves)
        return [waves.view(n, 27, height, width), *self.layers(2 * centred)]

    def reach(self, side: int = 512) -> int:
        """How far from a pixel a map's value may still depend on it, in pixels, rounded up."""
        noise = torch.rand((1, 3, side, side), generator=torch.Generator().manual_seed(0))
        pixels = noise.requires_grad_()
        last = self(pixels)[-1]
        middle = last.shape[-1] // 2
        (gradient,) = torch.autograd.grad(last[0, :, middle, middle].abs().sum(), pixels)
        far = (gradient.abs().sum((0, 1)).nonzero() - side // 2).abs().max()
        return -(-(int(far) + 1) // ALIGNED) * ALIGNED


class _Random(nn.ModuleList):
    """Convolutions and pooling with parameters from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        inputs = 3
        for level, width in enumerate(WIDTHS):
            first = nn.Conv2d(inputs, width, 3, padding=1)
            pool: nn.Module = nn.AvgPool2d(2) if level else nn.Identity()
            second = nn.Conv2d(width, width, 3, padding=1)
            self.append(nn.Sequential(pool, first, nn.ReLU(), second, nn.ReLU()))
            inputs = width
        initialise(self, seed)

    def forward(self, x_NCHW: Tensor) -> list[Tensor]:
        maps = []
        for level in self:
            x_NCHW = level(x_NCHW)
            maps.append(x_NCHW)
        return maps


def style_features(which: str = "auto", *, seed: int = 0) -> StyleFeatures:
    """The features to paint by.

    `auto` takes the fastest pretrained network that is installed, to maps of an eighth of the side;
    `random`, or `auto` where none is installed, convolutions with parameters from the seed.
    """
    installed = installed_packages()
    if which == "random" or not installed:
        return StyleFeatures(_Random(seed), name="random convolutions")
    import timm

    name, parameters = installed[0].architecture, imagenet_parameters(installed[0])
    layers = timm.create_model(name, features_only=True, out_indices=(0, 1, 2))
    layers.load_state_dict({key: parameters[key] for key in layers.state_dict()})
    return StyleFeatures(layers, name=f"{installed[0].line}, ImageNet")
