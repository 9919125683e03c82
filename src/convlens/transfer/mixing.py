"""Of joined backbones the first one fine-tuned, the others as they are: one network all the same.

Fine-tuning one of them takes a fraction of the time that it takes for all, and two networks that
err apart are better together than either (Wortsman et al. 2022 found so of a network fine-tuned and
as it was).
"""

import copy

import torch
from torch import Tensor

from ..engine.model_selection import clearly_lower
from ..network.backbone import BackboneWithHead
from ..tasks.learning import Objective
from .head import Head
from .pretrained import Pretrained

SHARES = (0.25, 0.5, 0.75)


def first_alone(joined: Pretrained) -> Pretrained:
    """A copy of the first backbone, as fixed in its layers as it is, with a new head."""
    first = copy.deepcopy(next(iter(joined.published.parts.values())))
    layers = BackboneWithHead(first, joined.head.out_features)
    mean, std = joined.mean.flatten().tolist(), joined.std.flatten().tolist()
    return Pretrained(layers, mean, std=std, tta_hflip=joined.tta_hflip)


def beside_others(
    joined: Pretrained, tuned: Pretrained, *, others: Head, share: float
) -> Pretrained:
    """A copy of joined backbones with the first one fine-tuned, whose logits are a mean of two.

    Args:
        joined: Backbones as they were learnt elsewhere.
        tuned: The first of them, fine-tuned, with its head.
        others: A head on the features of the other ones.
        share: The weight of the tuned one's logits in the mean, 0 to 1.
    """
    module = copy.deepcopy(joined)
    first = next(iter(module.published.parts.values()))
    first.load_state_dict(tuned.published.backbone.state_dict())
    weights = share * tuned.head.weight, (1 - share) * others.weight
    with torch.no_grad():
        module.head.weight.copy_(torch.cat(weights, 1))
        module.head.bias.copy_(share * tuned.head.bias + (1 - share) * others.bias)
    return module


def choose_share(
    tuned_NK: Tensor, others_NK: Tensor, labels_N: Tensor, *, objective: Objective
) -> float:
    """The share of a tuned network's logits in the mean with the lowest loss, of `SHARES`.

    It is 1, and the tuned network is left alone, where none has clearly lower losses than that.

    Examples:
        >>> choose_share(logits_NK, others_NK, labels_N, objective=objective)  # doctest: +SKIP
        0.5
    """
    losses = {
        share: objective.losses(share * tuned_NK + (1 - share) * others_NK, labels_N)
        for share in (*SHARES, 1.0)
    }
    best = min(losses, key=lambda share: losses[share].mean().item())
    return best if clearly_lower(losses[best], losses[1.0]) else 1.0
