"""J: the mean over the examples of the softmax cross-entropy, and what is added to it."""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...options import LossOptions
from .calibration import fit_temperature

SMOOTHING = 0.1
"""Label smoothing by default where parameters begin at random."""

TAUGHT = 0.9
"""The teacher's share of J."""


@dataclass(frozen=True)
class ClassificationObjective:
    """J = sum of w[label] × cross-entropy / sum of w[label], plus l2 / 2 × sum of squared weights.

    `class_weights` [K] are 1 unless classes are balanced; then they are N / (K × pictures of the
    class), scikit-learn's rule. The cross-entropy is in nats.
    """

    class_weights: Tensor
    label_smoothing: float = 0.0
    _: KW_ONLY
    l2: float = 0.0

    task = "classification"

    @property
    def outputs(self) -> int:
        """A unit for each class."""
        return len(self.class_weights)

    def encode(self, labels_N: Tensor) -> Tensor:
        """Class indices to a share per class [N, K]: 1 for the label."""
        return functional.one_hot(labels_N, self.outputs).float()

    def loss(self, logits_NK: Tensor, targets_NK: Tensor, *, batch_labels: Tensor) -> Tensor:
        """These examples' part of J, in a batch with these labels [B]: parts add up to J."""
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

    def with_teacher(self, temperature: float) -> "Distillation":
        """The same beside a teacher's probabilities."""
        return Distillation(
            self.class_weights, self.label_smoothing, l2=self.l2, softening=temperature
        )

    def weights(self, labels_N: Tensor) -> Tensor:
        """How much each example [N] counts: by its class."""
        return self.class_weights[labels_N]

    def losses(self, logits_NK: Tensor, labels_N: Tensor) -> Tensor:
        """The cross-entropy [N] of each example."""
        return functional.cross_entropy(logits_NK, labels_N, reduction="none")

    def accuracy(self, logits_NK: Tensor, labels_N: Tensor) -> float:
        """The share of examples whose most probable class is the label."""
        return (logits_NK.argmax(1) == labels_N).float().mean().item()

    def temperature(self, logits_NK: Tensor, labels_N: Tensor) -> float:
        """By the cross-entropy (Guo et al. 2017)."""
        return fit_temperature(logits_NK, labels_N)

    def probabilities(self, logits_NK: Tensor) -> Tensor:
        """The softmax."""
        return torch.softmax(logits_NK, 1)


@dataclass(frozen=True)
class Distillation(ClassificationObjective):
    """J = 0.1 × the same + 0.9 × T² × the cross-entropy with a teacher's probabilities, both at T.

    T² keeps the gradients of both alike in size, whatever the temperature T (Hinton et al. 2015).
    """

    _: KW_ONLY
    softening: float = 1.0
    """T"""

    def loss(self, logits_NK: Tensor, targets_NK: Tensor, *, batch_labels: Tensor) -> Tensor:
        """As of the objective itself, for targets [N, 2 K]: the labels', then the teacher's."""
        labels_NK, lessons_NK = targets_NK.chunk(2, 1)
        own = super().loss(logits_NK, labels_NK, batch_labels=batch_labels)
        total = functional.cross_entropy(
            logits_NK.float() / self.softening,
            lessons_NK,
            weight=self.class_weights,
            reduction="sum",
        )
        taught = total * self.softening**2 / self.class_weights[batch_labels].sum()
        return (1 - TAUGHT) * own + TAUGHT * taught


def plain_objective(classes: int) -> ClassificationObjective:
    """The mean cross-entropy and nothing else."""
    return ClassificationObjective(torch.ones(classes))


def make_objective(
    options: LossOptions, labels_N: npt.NDArray[np.int64], *, classes: int, pretrained: bool = False
) -> ClassificationObjective:
    """What the options ask for, for training labels [N], 0 to K - 1."""
    smoothing = options.label_smoothing
    if smoothing is None:
        smoothing = 0.0 if pretrained else SMOOTHING
    weights = torch.ones(classes)
    if options.class_weights == "balanced":
        counts = torch.from_numpy(labels_N).bincount(minlength=classes).clamp(min=1)
        weights = len(labels_N) / (classes * counts)
    return ClassificationObjective(weights, smoothing, l2=options.l2)
