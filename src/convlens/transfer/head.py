"""A linear head on fixed features, fitted to convergence: softmax regression with an L2 term."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..tasks.learning import Objective

FOLDS = 5


@dataclass(frozen=True)
class FeatureSet:
    """Features [N, V, D] of every view, labels [N], and numbers [N] of what may not be parted."""

    features: Tensor
    labels: Tensor
    groups: Tensor

    def take(self, some: Tensor) -> "FeatureSet":
        """Some of them, by a mask or by indices."""
        return FeatureSet(self.features[some], self.labels[some], groups=self.groups[some])

    def joined(self, other: "FeatureSet") -> "FeatureSet":
        """Both together."""
        return FeatureSet(
            torch.cat((self.features, other.features)),
            torch.cat((self.labels, other.labels)),
            groups=torch.cat((self.groups, other.groups)),
        )


@dataclass(frozen=True)
class Head:
    """Weights [K, D] and bias [K] of the last dense layer, and the strength of the fit."""

    weight: Tensor
    bias: Tensor
    C: float

    def logits(self, features_ND: Tensor) -> Tensor:
        """[N, D] to [N, K]."""
        return torch.nn.functional.linear(features_ND, self.weight, self.bias)


def fit_heads(
    features: FeatureSet,
    used_HN: Tensor,
    *,
    objective: Objective,
    C: float,
    start: Sequence[Head] = (),
    iterations: int = 500,
) -> list[Head]:
    """Heads that learn from some of the pictures each, with every view as a picture of its own.

    All are fitted in one descent by L-BFGS, until it finds nothing more to lower: their costs add
    up, so the lowest sum has each at its lowest, and reading the features, which is most of the
    work, is done once for all.

    Args:
        features: Features, labels and groups of N pictures.
        used_HN: For each of H heads, which pictures it learns from.
        objective: What each of them lowers, beside the L2 term.
        C: scikit-learn's: the L2 term is the sum of squared weights / (2 C N).
        start: Where the descent begins; by default at zero.
        iterations: Most iterations of L-BFGS.

    Returns:
        A head for each row of `used_HN`.

    Examples:
        >>> head, without_first = fit_heads(features, used, objective=objective, C=0.1)
        ... # doctest: +SKIP
    """
    views = features.features.shape[1]
    x_MD = features.features.flatten(0, 1)
    labels_M = features.labels.repeat_interleave(views)
    share_MH = used_HN.T.float().repeat_interleave(views, 0)
    penalty_H = 1 / (2 * C * share_MH.sum(0).clamp(min=1))
    share_MH = share_MH * objective.weights(labels_M)[:, None]
    share_MH = share_MH / share_MH.sum(0).clamp(min=1e-12)
    heads, outputs, dimensions = len(used_HN), objective.outputs, x_MD.shape[1]
    weight = torch.zeros(heads, outputs, dimensions)
    bias = torch.zeros(heads, outputs)
    if start:
        weight = torch.stack([head.weight for head in start])
        bias = torch.stack([head.bias for head in start])
    weight.requires_grad_(True)
    bias.requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=iterations,
        tolerance_grad=1e-6,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )
    repeated = labels_M.repeat_interleave(heads)

    def cost() -> Tensor:
        optimizer.zero_grad()
        logits = torch.addmm(bias.flatten(), x_MD, weight.flatten(0, 1).T)
        losses = objective.losses(logits.view(-1, outputs), repeated).view(-1, heads)
        value = (losses * share_MH).sum() + (weight.square().sum((1, 2)) * penalty_H).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(cost)  # type: ignore[no-untyped-call]
    return [
        Head(one, offset, C=C) for one, offset in zip(weight.detach(), bias.detach(), strict=True)
    ]


def fit_head(features: FeatureSet, *, objective: Objective, C: float) -> Head:
    """The head that learns from all these pictures."""
    everything = torch.ones(1, len(features.labels), dtype=torch.bool)
    return fit_heads(features, everything, objective=objective, C=C)[0]


def folds(labels_N: Tensor, groups_N: Tensor, *, seed: int, count: int = FOLDS) -> Tensor:
    """A fold [N] for each picture, 0 to `count` - 1, class by class; what is together stays so."""
    fold = torch.zeros(len(labels_N), dtype=torch.int64)
    most = int(labels_N.bincount().max()) if len(labels_N) else 0
    count = min(count, most, len(set(groups_N.tolist())))
    if count < 2:
        return fold
    from sklearn.model_selection import StratifiedGroupKFold  # brings SciPy and pandas

    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class has fewer pictures than there are folds
        for number, (_, judged) in enumerate(splitter.split(labels_N, labels_N, groups_N)):
            fold[torch.from_numpy(judged)] = number
    return fold
