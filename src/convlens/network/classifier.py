"""The module that is trained and exported: normalised pixels in, logits out."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

MICRO_BATCH = 64
"""Most pictures that are computed together; normalisation sees so many, whatever the batch."""


class Classifier(nn.Module):
    """Pixels to logits: each channel to mean 0 and deviation 1, then the layers.

    Input float [N, 3, H, W], 0 to 1; output logits [N, K]. `mean` and `std` are those of the
    training pictures, per channel, kept with the parameters. With `tta_hflip` (test-time
    augmentation), its logits, outside of training, are the mean over the picture and its mirror
    image. They are divided by `temperature`, outside of training. `micro_batch` is the most
    pictures that are computed together.
    """

    mean: Tensor
    std: Tensor
    temperature: Tensor
    micro_batch = MICRO_BATCH
    pretrained = False

    def __init__(
        self,
        layers: nn.Module,
        mean: Iterable[float],
        *,
        std: Iterable[float],
        tta_hflip: bool = False,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.tta_hflip = tta_hflip
        self.register_buffer("mean", torch.tensor(list(mean)).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(list(std)).view(1, 3, 1, 1))
        self.register_buffer("temperature", torch.ones(()))

    def learnt(self) -> Iterable[nn.Parameter]:
        """Parameters that were learnt elsewhere, where the others are new: here there are none."""
        return ()

    def forward(self, pixels_NCHW: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, K]."""
        normal = (pixels_NCHW - self.mean) / self.std
        logits: Tensor = self.layers(normal)
        if self.training:
            return logits
        if self.tta_hflip:
            logits = (logits + self.layers(normal.flip(-1))) / 2
        return logits / self.temperature
