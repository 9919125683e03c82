"""How much of a receptive field counts: the effective receptive field (Luo et al. 2016)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ....network.classifier import Classifier
from ..recording import recorded

EDGE = 1 - 0.9545
"""Luo et al. 2016: an input counts where its gradient is above this share of the largest."""


@dataclass(frozen=True)
class EffectiveField:
    """Gradients [H, W] of the middle outputs of a layer, as shares of the largest."""

    layer: str
    gradients: npt.NDArray[np.float32]

    @property
    def side(self) -> float:
        """Side length in pixels of the square with as many inputs as count."""
        return float((self.gradients > EDGE).sum() ** 0.5)


def effective_field(
    module: Classifier, layer: nn.Module, *, name: str, pixels_NCHW: Tensor
) -> EffectiveField:
    """Mean size of the gradient of a layer's middle outputs at every pixel.

    Args:
        module: The network.
        layer: One of its layers, which gives feature maps.
        name: What the layer is called in the result.
        pixels_NCHW: Pictures of 0 to 1, over which the mean is taken.
    """
    module.eval()
    pixels = pixels_NCHW.clone().requires_grad_(True)
    with recorded({name: layer}) as outputs:
        module.layers((pixels - module.mean) / module.std)
    maps = outputs[name][0].output
    centre = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    noise = torch.randn(centre.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((centre * noise).sum(), pixels)
    size = gradient.abs().mean((0, 1))
    return EffectiveField(name, (size / size.max().clamp(min=1e-30)).numpy())
