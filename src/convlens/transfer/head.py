"""A linear head on fixed features, fitted to convergence: softmax regression with an L2 term."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor

from ..tasks.learning import Objective
from .coordinates import Coordinates

FOLDS = 5


@dataclass(frozen=True)
class FeatureSet:
    """Features of N pictures, labels [N], and numbers [N] of what may not be parted.

    Each of `parts` is [N, V, D], of every view by one backbone. They count as side by side, and are
    not put there, which would take as much memory again.
    """

    parts: tuple[Tensor, ...]
    labels: Tensor
    groups: Tensor

    @property
    def views(self) -> int:
        """V."""
        return self.parts[0].shape[1]

    @cached_property
    def coordinates(self) -> Coordinates:
        """The principal axes of all views."""
        return Coordinates.of(*self._by_view)

    def projected(self) -> Tensor:
        """[N V, R]: every view along these axes."""
        return self.coordinates.project(*self._by_view)

    @property
    def _by_view(self) -> list[Tensor]:
        return [part.flatten(0, 1) for part in self.parts]

    def pooled(self, some: Tensor | slice = slice(None)) -> Tensor:
        """[M, D] of some: what a head is asked about, the mean over the views."""
        return torch.cat([part[some].mean(1) for part in self.parts], 1)

    def take(self, some: Tensor | slice) -> "FeatureSet":
        """Some of them, by a mask, by indices, or, without a copy, by a slice."""
        parts = tuple(part[some] for part in self.parts)
        return FeatureSet(parts, self.labels[some], groups=self.groups[some])


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
    C: Sequence[float],
    start: Sequence[Head] = (),
    iterations: int = 500,
) -> Iterator[list[Head]]:
    """Heads that learn from some of the pictures each, with every view as a picture of its own.

    All are fitted in one descent by L-BFGS, until it finds nothing more to lower: their costs add
    up, so the lowest sum has each at its lowest, and reading the features, which is most of the
    work, is done once for all.

    It descends along the features' principal axes, in a unit for each: where features vary much, J
    bends much, and along most axes it hardly bends at all, for which a descent takes many steps; in
    units in which it bends alike everywhere it takes few.

    Args:
        features: Features, labels and groups of N pictures.
        used_HN: For each of H heads, which pictures it learns from.
        objective: What each of them lowers, beside the L2 term.
        C: scikit-learn's, one or more: the L2 term is the sum of squared weights / (2 C N). Each
            descent begins where the one before ended.
        start: Where the first descent begins; by default at zero.
        iterations: Most iterations of L-BFGS, for each C.

    Yields:
        For each C a head for each row of `used_HN`.

    Examples:
        >>> [[head, without_first]] = fit_heads(features, used, objective=objective, C=[0.1])
        ... # doctest: +SKIP
    """
    views, heads, outputs = features.views, len(used_HN), objective.outputs
    labels_M = features.labels.repeat_interleave(views)
    share_MH = used_HN.T.float().repeat_interleave(views, 0)
    count_H = share_MH.sum(0).clamp(min=1)
    share_MH = share_MH * objective.weights(labels_M)[:, None]
    share_MH = share_MH / share_MH.sum(0).clamp(min=1e-12)
    coordinates = features.coordinates
    x_MR = features.projected()
    weight, bias = torch.zeros(heads, outputs, x_MR.shape[1]), torch.zeros(heads, outputs)
    for k, head in enumerate(start):
        weight[k], bias[k] = coordinates.inwards(head.weight, head.bias)
    repeated = labels_M.repeat_interleave(heads)

    def cost(penalty_H: Tensor, weight_HKR: Tensor, bias_HK: Tensor) -> Tensor:
        logits = torch.addmm(bias_HK.flatten(), x_MR, weight_HKR.flatten(0, 1).T)
        losses = objective.losses(logits.view(-1, outputs), repeated).view(-1, heads)
        return (losses * share_MH).sum() + (weight_HKR.square().sum((1, 2)) * penalty_H).sum()

    for strength in C:
        penalty_H = 1 / (2 * strength * count_H)
        p = objective.probabilities(
            (x_MR @ weight.flatten(0, 1).T + bias.flatten()).view(-1, outputs)
        )
        bend = (p * (1 - p)).mean()  # of the loss, by a logit
        units_R = (bend * coordinates.variances + 2 * penalty_H.mean()).rsqrt()
        weight, bias = _descend(
            partial(cost, penalty_H), weight, bias, units_R=units_R, iterations=iterations
        )
        outside = [coordinates.outwards(w, b) for w, b in zip(weight, bias, strict=True)]
        yield [Head(w, b, C=strength) for w, b in outside]


def _descend(
    cost: Callable[[Tensor, Tensor], Tensor],
    weight_HKR: Tensor,
    bias_HK: Tensor,
    *,
    units_R: Tensor,
    iterations: int,
) -> tuple[Tensor, Tensor]:
    """The weights and biases at which a cost is lowest, from these on, in a unit for each axis."""
    scaled, bias = weight_HKR / units_R, bias_HK.clone()
    optimizer = torch.optim.LBFGS(
        [scaled.requires_grad_(True), bias.requires_grad_(True)],
        max_iter=iterations,
        tolerance_grad=1e-6,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = cost(scaled * units_R, bias)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return scaled.detach() * units_R, bias.detach()


def fit_head(features: FeatureSet, *, objective: Objective, C: float) -> Head:
    """The head that learns from all these pictures."""
    everything = torch.ones(1, len(features.labels), dtype=torch.bool)
    [[head]] = fit_heads(features, everything, objective=objective, C=[C])
    return head


def fold_count(labels_N: Tensor, groups_N: Tensor, count: int) -> int:
    """So many folds, or as many as there are groups, or pictures of the largest class."""
    most = int(labels_N.bincount().max()) if len(labels_N) else 0
    return min(count, most, len(set(groups_N.tolist())))


def folds(labels_N: Tensor, groups_N: Tensor, *, seed: int, count: int = FOLDS) -> Tensor:
    """A fold [N] for each picture, 0 to `count` - 1, class by class; what is together stays so."""
    fold = torch.zeros(len(labels_N), dtype=torch.int64)
    count = fold_count(labels_N, groups_N, count)
    if count < 2:
        return fold
    from sklearn.model_selection import StratifiedGroupKFold  # brings SciPy and pandas

    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class has fewer pictures than there are folds
        for number, (_, judged) in enumerate(splitter.split(labels_N, labels_N, groups_N)):
            fold[torch.from_numpy(judged)] = number
    return fold
