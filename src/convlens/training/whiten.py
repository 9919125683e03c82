"""A first convolution that begins by making patches of the training pictures white."""

import numpy as np
import torch
from torch import nn

from ..network.build import Classifier
from .batches import Examples

PICTURES = 2000
"""So many are looked at."""
FLOOR = 5e-4
"""Added to the variances: the finest details are mostly noise, and are not blown up to one."""


def whiten(module: Classifier, examples: Examples) -> bool:
    """Set the first filters, where there are just twice as many as a patch has numbers.

    Neighbouring pixels are nearly equal, so that of a picture's variance nearly all is brightness;
    filters that are eigenvectors of the patches' covariance, each divided by its deviation, hand on
    everything alike, from the first step. With each comes its negative, as an activation keeps one
    half. Page 2018, Jordan 2024. Returns whether the network begins so.
    """
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    if first is None or first.groups > 1 or first.in_channels != 3:
        return False
    numbers = first.weight[0].numel()
    if first.out_channels != 2 * numbers or len(examples) == 0:
        return False
    spread = np.linspace(0, len(examples) - 1, min(len(examples), PICTURES)).astype(np.int64)
    tall, wide = (int(side) for side in first.kernel_size)
    covariance, count = torch.zeros(numbers, numbers, dtype=torch.float64), 0
    for part in np.array_split(spread, -(-len(spread) // module.group)):
        normal = (examples.images(part) - module.mean) / module.std
        cut = normal.unfold(2, tall, 1).unfold(3, wide, 1).permute(0, 2, 3, 1, 4, 5)
        patches_PQ = cut.reshape(-1, numbers).double()
        covariance += patches_PQ.T @ patches_PQ
        count += len(patches_PQ)
    variances, vectors = torch.linalg.eigh(covariance / count)
    filters = (vectors / (variances + FLOOR).sqrt()).T.flip(0).reshape(-1, *first.weight.shape[1:])
    with torch.no_grad():
        first.weight.copy_(torch.cat((filters, -filters)))
    return True
