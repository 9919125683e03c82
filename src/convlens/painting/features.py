"""The maps that style and content are compared in: pixels' neighbourhoods, and a network's."""

from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor, nn
from torch.nn import functional

from ..network.build import initialise
from ..network.pretrained import imagenet_parameters, installed_packages

ALIGNED = 8
"""The largest stride: sides are multiples of it, and tiles begin at such."""
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
        centred = pixels_NCHW - 0.5
        padded = functional.pad(centred, (1, 1, 1, 1), mode="replicate").flatten(0, 1)
        waves = functional.conv2d(padded[:, None], self.waves)
        return [waves.reshape(-1, 27, *centred.shape[2:]), *self.layers(2 * centred)]

    @cached_property
    def reach(self) -> int:
        """How far from a pixel a map's value may still depend on it, in pixels, rounded up."""
        noise = torch.rand((1, 3, 256, 256), generator=torch.Generator().manual_seed(0))
        middle = self(noise.requires_grad_())[-1][0, :, 16, 16]
        (gradient,) = torch.autograd.grad(middle.abs().sum(), noise)
        far = (gradient.sum((0, 1)).nonzero() - 128).abs().max()
        return -(-(int(far) + 1) // ALIGNED) * ALIGNED


class _Levels(nn.Sequential):
    def forward(self, x_NCHW: Tensor) -> list[Tensor]:
        return list(accumulate(self, lambda maps, level: level(maps), initial=x_NCHW))[1:]


def style_features(which: str = "auto", *, seed: int = 0) -> StyleFeatures:
    """The features to paint by.

    `auto` takes the fastest pretrained network that is installed, to maps of an eighth of the side;
    `random`, or `auto` where none is installed, convolutions with parameters from the seed.
    """
    installed = installed_packages()
    if which == "random" or not installed:
        levels = _Levels()
        for inputs, width in pairwise((3, *WIDTHS)):
            pool = nn.AvgPool2d(2) if len(levels) else nn.Identity()
            first, second = (nn.Conv2d(n, width, 3, padding=1) for n in (inputs, width))
            levels.append(nn.Sequential(pool, first, nn.ReLU(), second, nn.ReLU()))
        initialise(levels, seed)
        return StyleFeatures(levels, name="random convolutions")
    import timm

    name, parameters = installed[0].architecture, imagenet_parameters(installed[0])
    layers = timm.create_model(name, features_only=True, out_indices=(0, 1, 2))
    layers.load_state_dict({key: parameters[key] for key in layers.state_dict()})
    return StyleFeatures(layers, name=f"{installed[0].line}, ImageNet")
