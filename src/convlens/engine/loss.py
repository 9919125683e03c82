"""The loss J: the mean over the examples of the softmax cross-entropy, and what is added to it."""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..options import LossOptions

SMOOTHING = 0.1
"""Label smoothing where none is asked for and parameters begin at random."""


@dataclass(frozen=True)
class Loss:
    """J = sum of w[label] × cross-entropy / sum of w[label], plus l2 / 2 × sum of squared weights.

    `class_weights` [K] are 1 unless classes are balanced; then they are N / (K × pictures of the
    class), scikit-learn's rule. The cross-entropy is in nats.
    """

    class_weights: Tensor
    label_smoothing: float
    _: KW_ONLY
    l2: float

    def part(self, logits_NK: Tensor, targets_NK: Tensor, *, batch_labels: Tensor) -> Tensor:
        """These examples' part of J, in a batch with these labels [B]: parts add up to J.

        A target is a share per class: 1 for the label, unless pictures are mixed.
        """
        total = functional.cross_entropy(
            logits_NK.float(),
            targets_NK,
            weight=self.class_weights,
            label_smoothing=self.label_smoothing,
            reduction="sum",
        )
        return total / self.class_weights[batch_labels].sum()

    def penalty(self, parameters: Iterable[nn.Parameter]) -> Tensor | None:
        """The L2 term, over weights (biases and scales have one axis and are left out)."""
        if not self.l2:
            return None
        squares = [p.square().sum() for p in parameters if p.ndim > 1]
        return torch.stack(squares).sum() * (self.l2 / 2)


def make_loss(
    options: LossOptions, labels_N: Tensor, *, classes: int, pretrained: bool = False
) -> Loss:
    """The loss for training labels [N], 0 to K - 1."""
    smoothing = options.label_smoothing
    if smoothing is None:
        smoothing = 0.0 if pretrained else SMOOTHING
    weights = torch.ones(classes)
    if options.class_weights == "balanced":
        counts = labels_N.bincount(minlength=classes).clamp(min=1)
        weights = len(labels_N) / (classes * counts)
    return Loss(weights, smoothing, l2=options.l2)
