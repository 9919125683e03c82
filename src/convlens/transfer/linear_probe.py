"""Where a pretrained network begins: its features as they are, and a head fitted on them."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from torch import Tensor

from ..dataset.examples import Examples
from ..dataset.random import generator
from ..tasks.learning import Objective
from .head import FeatureSet, Head, best_head, choose_c, judged_logits
from .pretrained import Pretrained

MOST = 20_000
"""Training pictures on whose features a head is fitted."""


@dataclass(frozen=True)
class LinearProbe:
    """Features and labels for training and validation, and the loss at each C."""

    train: FeatureSet
    val: FeatureSet
    _: KW_ONLY
    objective: Objective
    losses: dict[float, float]
    seed: int

    @property
    def C(self) -> float:  # noqa: N802 -- scikit-learn's name for the inverse strength
        """The inverse strength of the L2 term with the lowest loss."""
        return min(self.losses, key=self.losses.__getitem__)

    @property
    def loss(self) -> float:
        """Its loss: the mean cross-entropy of pictures that the head was not fitted on."""
        return self.losses[self.C]

    def head(self) -> Head:
        """Fitted on the training pictures."""
        return best_head(self.train, self.objective, C=self.C)

    def head_of_all(self) -> Head:
        """Fitted on training and validation pictures, with the strength chosen before."""
        both = self.train.joined(self.val)
        return best_head(both, self.objective, C=self.C)

    def judged(self) -> tuple[Tensor, Tensor]:
        """Logits [M, K] and labels [M] of pictures that the head was not fitted on."""
        return judged_logits(
            self.train,
            self.val,
            objective=self.objective,
            C=self.C,
            seed=self.seed,
        )

    def of(self, some: Tensor) -> "LinearProbe":
        """Where one would begin with some of the training pictures only: chosen anew on them."""
        return fit_linear_probe(
            self.train.take(some),
            self.val,
            objective=self.objective,
            seed=self.seed,
        )


def fit_linear_probe(
    train: FeatureSet, val: FeatureSet, *, objective: Objective, seed: int
) -> LinearProbe:
    """Choose the head's C on features that are there; `val` may be empty."""
    losses = choose_c(train, val, objective=objective, seed=seed)
    return LinearProbe(train, val, objective=objective, losses=losses, seed=seed)


def sample(train: Examples, *, seed: int) -> Examples:
    """At most `MOST` training pictures, drawn: a linear head learns little from more.

    So neither memory nor time grows with the pictures.
    """
    if len(train) <= MOST:
        return train
    return train.take(np.sort(generator(seed, "some").permutation(len(train))[:MOST]))


def set_head(module: Pretrained, head: Head) -> None:
    """Make it the network's last dense layer."""
    with torch.no_grad():
        module.head.weight.copy_(head.weight)
        module.head.bias.copy_(head.bias)
