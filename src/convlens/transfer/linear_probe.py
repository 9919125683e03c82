"""Where a pretrained network begins: its features as they are, and a head fitted on them."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from torch import Tensor

from ..dataset.examples import Examples
from ..dataset.random import generator
from ..progress import Progress
from .features import features_of
from .head import FeatureSet, Head, best_head, choose_c, judged_logits
from .pretrained import Pretrained

MOST = 20_000
"""Training pictures on whose features a head is fitted."""


@dataclass(frozen=True)
class LinearProbe:
    """Features and labels of both sides, and what each L2 strength cost."""

    train: FeatureSet
    val: FeatureSet
    _: KW_ONLY
    classes: int
    class_weights: Tensor
    costs: dict[float, float]
    seed: int

    @property
    def C(self) -> float:  # noqa: N802 -- scikit-learn's name for the inverse strength
        """The strength with the lowest cost."""
        return min(self.costs, key=self.costs.__getitem__)

    @property
    def cost(self) -> float:
        """Its cost: the mean cross-entropy of pictures that the head was not fitted on."""
        return self.costs[self.C]

    def head(self) -> Head:
        """Fitted on the training pictures."""
        return best_head(self.train, self.classes, C=self.C, weights_K=self.class_weights)

    def head_of_all(self) -> Head:
        """Fitted on training and validation pictures, with the strength chosen before."""
        both = self.train.joined(self.val)
        return best_head(both, self.classes, C=self.C, weights_K=self.class_weights)

    def judged(self) -> tuple[Tensor, Tensor]:
        """Logits [M, K] and labels [M] of pictures that the head was not fitted on."""
        return judged_logits(
            self.train,
            self.val,
            classes=self.classes,
            C=self.C,
            weights_K=self.class_weights,
            seed=self.seed,
        )

    def of(self, some: Tensor) -> "LinearProbe":
        """Where one would begin with some of the training pictures only: chosen anew on them."""
        return probe_on(
            self.train.take(some),
            self.val,
            classes=self.classes,
            weights_K=self.class_weights,
            seed=self.seed,
        )


def probe_on(
    train: FeatureSet, val: FeatureSet, *, classes: int, weights_K: Tensor, seed: int
) -> LinearProbe:
    """Choose the head's L2 strength on features that are there; `val` may be empty."""
    costs = choose_c(train, val, classes=classes, weights_K=weights_K, seed=seed)
    return LinearProbe(train, val, classes=classes, class_weights=weights_K, costs=costs, seed=seed)


def fit_linear_probe(
    module: Pretrained,
    train: Examples,
    *,
    val: Examples,
    weights_K: Tensor,
    seed: int,
    progress: Progress,
) -> LinearProbe:
    """Compute the features, or recall them, and choose the head's L2 strength.

    Of more than `MOST` training pictures, so many are drawn: a linear head learns little from more,
    and neither memory nor time then grows with the pictures.
    """
    if len(train) > MOST:
        train = train.take(np.sort(generator(seed, "some").permutation(len(train))[:MOST]))
    both = Examples(
        train.pixels,
        np.concatenate((train.rows, val.rows)),
        labels=np.concatenate((train.labels, val.labels)),
        classes=train.classes,
    )
    features = torch.from_numpy(features_of(module, both, progress=progress))
    labels = torch.from_numpy(both.labels)
    groups = torch.arange(len(both))
    if train.groups is not None and val.groups is not None:
        groups = torch.from_numpy(np.concatenate((train.groups, val.groups)))
    whole, place = FeatureSet(features, labels, groups=groups), torch.arange(len(both))
    sides = (whole.take(place < len(train)), whole.take(place >= len(train)))
    return probe_on(*sides, classes=len(weights_K), weights_K=weights_K, seed=seed)


def set_head(module: Pretrained, head: Head) -> None:
    """Make it the network's last dense layer."""
    with torch.no_grad():
        module.head.weight.copy_(head.weight)
        module.head.bias.copy_(head.bias)
