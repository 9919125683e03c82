"""Where a pretrained network begins: its features as they are, and a head fitted on them.

Heads are judged on pictures that they did not learn from: the validation pictures, or folds.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ..dataset.random import generator
from ..tasks.learning import Objective
from .head import FOLDS, FeatureSet, Head, fit_head, fit_heads, fold_count, folds
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

LEAST = 10
"""Of each class, where some are drawn, so many at least, or all."""

UNTOLD = 0.1
"""The C where no picture can tell which one is best."""

ALWAYS = -1
"""The fold of pictures that every head learns from."""

Heads = dict[frozenset[int], Head]
"""Heads by the parts that they did not learn from."""


@dataclass(frozen=True)
class LinearProbe:
    """Heads at each C that was tried, fitted without one fold, or, where it is nested, without two.

    `pictures` are the training ones, `count` of them, and then the validation ones. `fold` [N] says
    by which head each is judged. `part` [N] is the fold too, but a half of it where there are only
    two folds: what is chosen without one of them is chosen by the halves of the other.
    """

    pictures: FeatureSet
    count: int
    _: KW_ONLY
    fold: Tensor
    part: Tensor
    objective: Objective
    heads: dict[float, Heads]

    @property
    def folds(self) -> list[int]:
        """Those whose pictures are judged."""
        return sorted(set(self.fold.tolist()) - {ALWAYS})

    def parts(self, fold: int) -> frozenset[int]:
        """What a fold is made of."""
        return frozenset(np.unique(self.part[self.fold == fold].numpy()).tolist())

    def judged(self, *, without: int | None = None) -> dict[frozenset[int], Tensor]:
        """Which pictures [N] are judged by the head that did not learn from these parts.

        Where a fold is left out of everything, nothing is judged by a head that would have learnt
        from nothing.
        """
        if without is None:
            return {self.parts(k): self.fold == k for k in self.folds}
        own, everything = self.parts(without), set(np.unique(self.part.numpy()).tolist())
        others = sorted(everything - own - {ALWAYS})
        return {own | {p}: self.part == p for p in others if everything - own - {p}}

    def is_judged(self, *, without: int | None = None) -> Tensor:
        """Whether each picture [N] is judged, where a fold is left out of everything."""
        judged = torch.zeros(len(self.fold), dtype=torch.bool)
        for own in self.judged(without=without).values():
            judged |= own
        return judged

    def logits(self, C: float, *, without: int | None = None) -> Tensor:
        """[M, K] of the judged pictures, from heads that learnt neither from them nor `without`."""
        logits = torch.zeros(len(self.fold), self.objective.outputs)
        for left_out, own in self.judged(without=without).items():
            logits[own] = self.heads[C][left_out].logits(self.pictures.pooled(own))
        return logits[self.is_judged(without=without)]

    def labels(self, *, without: int | None = None) -> Tensor:
        """[M] of the judged pictures."""
        return self.pictures.labels[self.is_judged(without=without)]

    def losses(self, C: float, *, without: int | None = None) -> Tensor:
        """[M] of the judged pictures."""
        return self.objective.losses(self.logits(C, without=without), self.labels(without=without))

    def mean_losses(self, *, without: int | None = None) -> dict[float, float]:
        """Of every C, with scikit-learn's meaning: the inverse strength of the L2 term.

        Empty where no picture is judged.
        """
        if not self.is_judged(without=without).any():
            return {}
        return {C: self.losses(C, without=without).mean().item() for C in self.heads}

    def best_c(self, *, without: int | None = None) -> float:
        """The C with the lowest loss; of equals, the strongest L2 term."""
        losses = self.mean_losses(without=without)
        if not losses:
            return max(C for C in self.heads if C <= UNTOLD)
        return min(losses, key=losses.__getitem__)

    def is_past_best(self, *, without: int | None = None) -> bool:
        """Whether the last `RISING` values of C have made the loss higher and higher."""
        last = list(self.heads)[-RISING - 1 :]
        losses = [self.losses(C, without=without).mean().item() for C in last]
        return len(losses) > RISING and all(a < b for a, b in pairwise(losses))

    @property
    def loss(self) -> float | None:
        """The mean cross-entropy, at the best C, of pictures that the head was not fitted on.

        None where there are none.
        """
        return self.mean_losses().get(self.best_c())

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
            start=[self.heads[C][self.parts(fold)]],
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
    part = fold.clone()
    if nested and len(numbers) == 2:
        for k in numbers:
            part[fold == k] = 2 * k + _halves(pictures.take(fold == k), seed=seed)
    probe = LinearProbe(pictures, learnt, fold=fold, part=part, objective=objective, heads={})
    who_judges = [None, *numbers] if nested else [None]
    left_out = list(dict.fromkeys(some for k in who_judges for some in probe.judged(without=k)))
    used = [~torch.isin(part, torch.tensor(sorted(some))) for some in left_out]
    if not used:
        probe.heads.update((C, {}) for C in C_VALUES)
        return probe
    fitted = fit_heads(
        pictures, torch.stack(used), objective=objective, C=C_VALUES, iterations=COMPARED
    )
    choosing = [k for k in who_judges if probe.is_judged(without=k).any()]
    least_c = UNTOLD if len(choosing) < len(who_judges) else 0.0
    for C, own in zip(C_VALUES, fitted, strict=True):
        probe.heads[C] = dict(zip(left_out, own, strict=True))
        if least_c <= C and all(probe.is_past_best(without=k) for k in choosing):
            break
    return probe


def _halves(pictures: FeatureSet, *, seed: int) -> Tensor:
    """0 or 1 for each picture [N]; groups stay whole, unless there is only one."""
    labels, groups = pictures.labels, pictures.groups
    if fold_count(labels, groups, 2) < 2:
        groups = torch.arange(len(labels))
    return folds(labels, groups, seed=seed, count=2)


def sample(rows: Sequence[int], labels: Sequence[str], *, seed: int, most: int = MOST) -> list[int]:
    """At most so many of the pictures, drawn: a linear head learns little from more.

    So neither memory nor time grows with the pictures. Each class has its share of them, and
    `LEAST`, or all, at least, as far as there is room.
    """
    if len(rows) <= most:
        return list(rows)
    left = Counter(labels)
    least, wanted = min(LEAST, most // len(left)), Counter[str]()
    while True:
        share = (most - wanted.total()) / left.total()
        small = {k: min(n, least) for k, n in left.items() if n * share < min(n, least)}
        if not small:
            break
        wanted.update(small)
        left = Counter({k: n for k, n in left.items() if k not in small})
    wanted.update({k: int(n * share) for k, n in left.items()})
    drawn = []
    for index in generator(seed, "some").permutation(len(rows)).tolist():
        if wanted[labels[index]]:
            wanted[labels[index]] -= 1
            drawn.append(index)
    return [rows[index] for index in sorted(drawn)]


def set_head(module: Pretrained, head: Head) -> None:
    """Make it the network's last dense layer."""
    with torch.no_grad():
        module.head.weight.copy_(head.weight)
        module.head.bias.copy_(head.bias)
