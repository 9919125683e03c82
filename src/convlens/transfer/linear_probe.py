"""Where a pretrained network begins: its features as they are, and a head fitted on them.

Heads are judged on pictures that they did not learn from: the validation pictures, or folds.
"""

from dataclasses import KW_ONLY, dataclass
from itertools import combinations, pairwise

import numpy as np
import torch
from torch import Tensor

from ..dataset.random import generator
from ..tasks.learning import Objective
from .head import FOLDS, FeatureSet, Head, fit_head, fit_heads, folds
from .pretrained import Pretrained

C_VALUES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""scikit-learn's C, from the strongest L2 term to the weakest."""

COMPARED = 20
"""Iterations that tell one C from another; each begins where the one before it ended."""

RISING = 2
"""So many weaker ones in a row, each with a higher loss, end the search: so have further ones."""

ENOUGH = 300
"""With so many validation pictures they alone choose; with fewer, cross-validation does."""

MOST = 20_000
"""Training pictures on whose features a head is fitted."""

ALWAYS = -1
"""The fold of pictures that every head learns from."""

Heads = dict[frozenset[int], Head]
"""Heads by the folds that they did not learn from."""


@dataclass(frozen=True)
class LinearProbe:
    """Heads at each C that was tried, fitted without one fold, or, where it is nested, without two.

    `pictures` are the training ones, `count` of them, and then the validation ones. `fold` [N] says
    by which head each is judged.
    """

    pictures: FeatureSet
    count: int
    _: KW_ONLY
    fold: Tensor
    objective: Objective
    heads: dict[float, Heads]

    @property
    def folds(self) -> list[int]:
        """Those whose pictures are judged."""
        return sorted(set(self.fold.tolist()) - {ALWAYS})

    def is_judged(self, *, without: int | None = None) -> Tensor:
        """Whether each picture [N] is judged, where a fold is left out of everything."""
        judged = self.fold != ALWAYS
        return judged if without is None else judged & (self.fold != without)

    def logits(self, C: float, *, without: int | None = None) -> Tensor:
        """[M, K] of the judged pictures, from heads that learnt neither from them nor `without`."""
        logits = torch.zeros(len(self.fold), self.objective.outputs)
        for k in self.folds:
            if k != without:
                left_out = frozenset({k} if without is None else {k, without})
                own = self.fold == k
                logits[own] = self.heads[C][left_out].logits(self.pictures.pooled(own))
        return logits[self.is_judged(without=without)]

    def labels(self, *, without: int | None = None) -> Tensor:
        """[M] of the judged pictures."""
        return self.pictures.labels[self.is_judged(without=without)]

    def losses(self, C: float, *, without: int | None = None) -> Tensor:
        """[M] of the judged pictures."""
        return self.objective.losses(self.logits(C, without=without), self.labels(without=without))

    def mean_losses(self, *, without: int | None = None) -> dict[float, float]:
        """Of every C, with scikit-learn's meaning: the inverse strength of the L2 term."""
        return {C: self.losses(C, without=without).mean().nan_to_num().item() for C in self.heads}

    def best_c(self, *, without: int | None = None) -> float:
        """The C with the lowest loss; of equals, the strongest L2 term."""
        losses = self.mean_losses(without=without)
        return min(losses, key=losses.__getitem__)

    def is_past_best(self, *, without: int | None = None) -> bool:
        """Whether the last `RISING` values of C have made the loss higher and higher."""
        last = list(self.heads)[-RISING - 1 :]
        losses = [self.losses(C, without=without).mean().item() for C in last]
        return len(losses) > RISING and all(a < b for a, b in pairwise(losses))

    @property
    def loss(self) -> float:
        """The mean cross-entropy, at the best C, of pictures that the head was not fitted on."""
        return self.mean_losses()[self.best_c()]

    @property
    def learnt(self) -> FeatureSet:
        """The training pictures."""
        return self.pictures.take(slice(self.count))

    def head(self) -> Head:
        """Fitted on the training pictures."""
        return fit_head(self.learnt, objective=self.objective, C=self.best_c())

    def val_logits(self) -> Tensor:
        """[N, K] of the validation pictures, from the head that did not learn from them."""
        if self.count == len(self.fold):
            return torch.zeros(0, self.objective.outputs)
        return self.head().logits(self.pictures.pooled(slice(self.count, None)))

    def head_of_all(self) -> Head:
        """Fitted on training and validation pictures, with the C chosen before."""
        return fit_head(self.pictures, objective=self.objective, C=self.best_c())

    def head_without(self, fold: int, *, C: float) -> Head:
        """Fitted to convergence on all pictures but those of a fold."""
        [[head]] = fit_heads(
            self.pictures,
            (self.fold != fold)[None],
            objective=self.objective,
            C=[C],
            start=[self.heads[C][frozenset({fold})]],
        )
        return head


def fit_linear_probe(
    pictures: FeatureSet,
    *,
    objective: Objective,
    seed: int,
    held_out: int = 0,
    count: int = FOLDS,
    nested: bool = False,
) -> LinearProbe:
    """Choose the head's C on features that are there.

    Args:
        pictures: Features of the training pictures, and then of those held out for validation.
        objective: What a head lowers.
        seed: Draws the folds.
        held_out: So many are held out. `ENOUGH` of them judge alone; with fewer, folds of all do.
        count: Folds.
        nested: Whether each fold shall be judged by heads whose C was chosen without it.
    """
    labels, learnt = pictures.labels, len(pictures.labels) - held_out
    if held_out >= ENOUGH:
        fold = torch.full((len(labels),), ALWAYS)
        fold[learnt:] = 0
    else:
        fold = folds(labels, pictures.groups, seed=seed, count=count)
        if len(set(fold.tolist())) < 2:  # what may not be parted cannot be judged
            fold = torch.full_like(fold, ALWAYS)
    numbers = sorted(set(fold.tolist()) - {ALWAYS})
    left_out = [frozenset({k}) for k in numbers]
    if nested:
        left_out += [frozenset(pair) for pair in combinations(numbers, 2)]
    used = [~torch.isin(fold, torch.tensor(sorted(some))) for some in left_out]
    probe = LinearProbe(pictures, learnt, fold=fold, objective=objective, heads={})
    if not used:
        probe.heads.update((C, {}) for C in C_VALUES)
        return probe
    who_judges = [None, *numbers] if nested else [None]
    fitted = fit_heads(
        pictures, torch.stack(used), objective=objective, C=C_VALUES, iterations=COMPARED
    )
    for C, own in zip(C_VALUES, fitted, strict=True):
        probe.heads[C] = dict(zip(left_out, own, strict=True))
        if all(probe.is_past_best(without=k) for k in who_judges):
            break
    return probe


def sample(rows: list[int], *, seed: int) -> list[int]:
    """At most `MOST` of the training pictures, drawn: a linear head learns little from more.

    So neither memory nor time grows with the pictures.
    """
    if len(rows) <= MOST:
        return rows
    return [rows[k] for k in np.sort(generator(seed, "some").permutation(len(rows))[:MOST])]


def set_head(module: Pretrained, head: Head) -> None:
    """Make it the network's last dense layer."""
    with torch.no_grad():
        module.head.weight.copy_(head.weight)
        module.head.bias.copy_(head.bias)
