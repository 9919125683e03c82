"""The cost J: the mean over the examples of the softmax cross-entropy, and what is added to it."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..options import CostOptions

SMOOTHING = 0.1
"""Label smoothing where none is asked for and parameters begin at random."""


@dataclass(frozen=True)
class Cost:
    """J = sum of w[label] × cross-entropy / sum of w[label], plus l2 / 2 × sum of squared weights.

    `weights` [K] are 1 unless classes are balanced; then they are N / (K × pictures of the class),
    scikit-learn's rule. The cross-entropy is in nats.
    """

    weights: Tensor
    label_smoothing: float
    l2: float

    def examples(self, logits_NK: Tensor, targets_NK: Tensor, *, whole: Tensor) -> Tensor:
        """These examples' part of J, in a batch whose labels are `whole`: parts add up to J.

        A target is a share per class: 1 for the label, unless pictures are mixed.
        """
        total = functional.cross_entropy(
            logits_NK.float(),
            targets_NK,
            weight=self.weights,
            label_smoothing=self.label_smoothing,
            reduction="sum",
        )
        return total / self.weights[whole].sum()

    def penalty(self, parameters: Iterable[nn.Parameter]) -> Tensor | None:
        """The L2 term, over weights (biases and scales have one axis and are left out)."""
        if not self.l2:
            return None
        squares = [p.square().sum() for p in parameters if p.ndim > 1]
        return torch.stack(squares).sum() * (self.l2 / 2)


def make_cost(
    options: CostOptions, labels_N: Tensor, *, classes: int, pretrained: bool = False
) -> Cost:
    """The cost for training labels [N], as places 0 to K - 1."""
    smoothing = options.label_smoothing
    if smoothing is None:
        smoothing = 0.0 if pretrained else SMOOTHING
    weights = torch.ones(classes)
    if options.class_weights == "balanced":
        counts = labels_N.bincount(minlength=classes).clamp(min=1)
        weights = len(labels_N) / (classes * counts)
    return Cost(weights, smoothing, l2=options.l2)
