"""A linear head on fixed features, fitted to convergence: softmax regression with an L2 term."""

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..tasks.learning import Objective

C_VALUES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
"""scikit-learn's C: the L2 term is the sum of squared weights / (2 C N)."""

FOLDS = 5
ENOUGH = 300
"""With so many validation pictures they alone choose; with fewer, cross-validation does."""


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
        return functional.linear(features_ND, self.weight, self.bias)


def fit_head(
    features_ND: Tensor,
    labels_N: Tensor,
    *,
    objective: Objective,
    C: float,
    start: Head | None = None,
    iterations: int = 500,
) -> Head:
    """Lower the mean cross-entropy plus the L2 term until L-BFGS finds nothing more to lower."""
    weight = (
        torch.zeros(objective.outputs, features_ND.shape[1])
        if start is None
        else start.weight.clone()
    )
    bias = torch.zeros(objective.outputs) if start is None else start.bias.clone()
    weight.requires_grad_(True)
    bias.requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=iterations,
        tolerance_grad=1e-6,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )
    penalty = 1 / (2 * C * len(labels_N))

    def cost() -> Tensor:
        optimizer.zero_grad()
        logits = functional.linear(features_ND, weight, bias)
        value = objective.head_loss(logits, labels_N)
        value = value + penalty * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(cost)  # type: ignore[no-untyped-call]
    return Head(weight.detach(), bias.detach(), C=C)


def every_view(features_NVD: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    """Every view as a picture of its own."""
    return features_NVD.flatten(0, 1), labels_N.repeat_interleave(features_NVD.shape[1])


def choose_c(
    train: FeatureSet,
    val: FeatureSet,
    *,
    objective: Objective,
    seed: int,
) -> dict[float, float]:
    """Each strength's cost on pictures that its head was not fitted on; the lowest is to be taken.

    A picture's answer is the mean over its views.
    """
    splits = _splits(train, val, seed=seed)
    costs = dict.fromkeys(C_VALUES, 0.0)
    for fitted, judged in splits:
        head = None
        views = every_view(fitted.features, fitted.labels)
        for C in sorted(C_VALUES):
            # begun where the last one ended, a few steps are enough to compare strengths
            head = fit_head(*views, objective=objective, C=C, start=head, iterations=40)
            logits = head.logits(judged.features.mean(1))
            costs[C] += objective.losses(logits, judged.labels).sum().item()
    count = sum(len(judged.labels) for _, judged in splits)
    return {C: total / max(1, count) for C, total in costs.items()}


def judged_logits(
    train: FeatureSet, val: FeatureSet, *, objective: Objective, C: float, seed: int
) -> tuple[Tensor, Tensor]:
    """Logits [M, K] and labels [M] of pictures that the head of one strength was not fitted on."""
    logits, labels = [torch.zeros(0, objective.outputs)], [torch.zeros(0, dtype=torch.int64)]
    for fitted, judged in _splits(train, val, seed=seed):
        views = every_view(fitted.features, fitted.labels)
        head = fit_head(*views, objective=objective, C=C, iterations=100)
        logits.append(head.logits(judged.features.mean(1)))
        labels.append(judged.labels)
    return torch.cat(logits), torch.cat(labels)


def _splits(
    train: FeatureSet, val: FeatureSet, *, seed: int
) -> list[tuple[FeatureSet, FeatureSet]]:
    """Pictures to fit on and to judge on: training and validation, or folds of both together.

    Folds where there are fewer than `ENOUGH` validation pictures.
    """
    if len(val.labels) >= ENOUGH:
        return [(train, val)]
    both = train.joined(val)
    fold = folds(both.labels, both.groups, seed=seed)
    return [
        (both.take(fold != k), both.take(fold == k))
        for k in sorted(set(fold.tolist()))
        if len(set(both.labels[fold != k].tolist())) > 1
    ]


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


def best_head(train: FeatureSet, objective: Objective, *, C: float) -> Head:
    """The head of one strength, fitted on every view of these pictures."""
    return fit_head(*every_view(train.features, train.labels), objective=objective, C=C)
