"""Would more pictures help? A learning curve and what it comes to if it goes on (Figueroa 2012)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import least_squares

from ..errors import ConvlensError
from ..progress import Progress
from ..tasks.classification.objective import plain_objective
from ..transfer.head import FeatureSet, folds
from ..transfer.linear_probe import fit_linear_probe

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of the pictures to learn from, at which the curve is measured."""
FEWEST = 10
"""A point of the curve stands for so many pictures learnt from, at least."""
MOST = 20_000
"""Of more pictures so many are drawn."""
FURTHER = (2, 4)
"""As how many times the pictures the curve is continued to."""
RESAMPLED = 200
"""Draws of the bootstrap."""

Errors = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CurvePoint:
    """With so many pictures to learn from, the share of wrong answers and its 95 % interval."""

    pictures: int
    error: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class LearningCurve:
    """What was measured, and what is expected of more pictures of the same kind."""

    measured: tuple[CurvePoint, ...]
    expected: tuple[CurvePoint, ...]

    @property
    def helps(self) -> bool:
        """Whether twice the pictures are expected to spare a tenth of the mistakes or more.

        It is false where the interval leaves a doubt that they spare any.
        """
        now, then = self.measured[-1], self.expected[0]
        return then.error <= 0.9 * now.error and then.interval[1] < now.error


def learning_curve(
    features: FeatureSet, classes: int, *, progress: Progress = lambda *_: None, seed: int = 0
) -> LearningCurve:
    """How often a head on fixed features is wrong, by the number of pictures that it learnt from.

    For each of five folds, heads learn from growing draws of the other folds (what belongs
    together is drawn together) and are tested on the fold. The curve is continued as a + b n^-c
    (Figueroa 2012), its interval by resampling the tested pictures.

    Args:
        features: Features of all pictures.
        classes: How many classes there are.
        progress: Called after each head.
        seed: Decides the folds and draws.
    """
    features = _drawn(features, min(len(features.labels), MOST), seed=seed)
    fold = folds(features.labels, features.groups, seed=seed)
    numbers = sorted(set(fold.tolist()))  # of few groups there are fewer
    if len(numbers) < 2:
        raise ConvlensError(
            "all pictures are of one group, or alike, so none could be learnt from to judge others"
        )
    pool = len(features.labels) * (len(numbers) - 1) // len(numbers)
    counts = sorted({max(FEWEST, round(pool * share)) for share in SHARES})
    wrong, learnt = np.zeros((len(fold), len(counts))), np.zeros(len(counts))
    heads = len(numbers) * len(counts)
    for done, k in enumerate(numbers):
        test, others = features.take(fold == k), features.take(fold != k)
        for column, count in enumerate(counts):
            train = _drawn(others, count, seed=seed)
            learnt[column] += len(train.labels)  # one of each class at least
            predicted = _predicted(train, test, classes=classes, seed=seed)
            wrong[(fold == k).numpy(), column] = (predicted != test.labels).numpy()
            progress("learning curve", done * len(counts) + column + 1, heads)
    told, columns = np.unique((learnt / len(numbers)).round().astype(int), return_index=True)
    return extrapolated(told.tolist(), wrong[:, columns], seed=seed)


def _drawn(features: FeatureSet, count: int, *, seed: int) -> FeatureSet:
    """About so many pictures, class by class alike; small draws lie in large ones."""
    random = np.random.default_rng(seed)
    groups = features.groups.numpy()
    ranks = {group: rank for rank, group in enumerate(random.permutation(np.unique(groups)))}
    rank_N = np.array([ranks[group] for group in groups], np.int64)
    share = count / max(1, len(groups))
    taken = np.zeros(len(groups), bool)
    labels = features.labels.numpy()
    for label in np.unique(labels):
        rows = np.where(labels == label)[0]
        rows = rows[np.argsort(rank_N[rows], kind="stable")]
        taken[rows[: max(1, round(share * len(rows)))]] = True
    return features.take(torch.from_numpy(taken))


def _predicted(train: FeatureSet, test: FeatureSet, *, classes: int, seed: int) -> torch.Tensor:
    """Class indices [N] of the test pictures by a head that learnt from the training pictures."""
    head = fit_linear_probe(train, objective=plain_objective(classes), seed=seed).head()
    return head.logits(test.pooled()).argmax(1)


def extrapolated(counts: Sequence[int], wrong_NC: Errors, *, seed: int = 0) -> LearningCurve:
    """The measured curve, continued to `FURTHER` times the pictures.

    The interval is a Bayesian bootstrap's (Rubin 1981), with half a picture more that is always
    wrong and half a one that never is (Jeffreys): without them, no mistake would mean none ever.

    Args:
        counts: From how many pictures heads learnt.
        wrong_NC: Whether each tested picture was wrong (1) or right (0) after so many.
        seed: Decides the bootstrap's draws.
    """
    random = np.random.default_rng(seed)
    further = [times * counts[-1] for times in FURTHER]
    weights = random.exponential(size=(RESAMPLED, len(wrong_NC)))
    wrong, right = random.gamma(0.5, size=(2, RESAMPLED, 1))
    resampled = (weights @ wrong_NC + wrong) / (weights.sum(1, keepdims=True) + wrong + right)
    means = np.vstack([wrong_NC.mean(0), resampled])
    curves = np.hstack([means, [power_law(counts, mean, further) for mean in means]])
    low, high = np.quantile(curves[1:], (0.025, 0.975), axis=0)
    points = [
        CurvePoint(count, float(curves[0, c]), interval=(float(low[c]), float(high[c])))
        for c, count in enumerate([*counts, *further])
    ]
    return LearningCurve(tuple(points[: len(counts)]), tuple(points[len(counts) :]))


def power_law(counts: Sequence[int], errors: Errors, further: Sequence[int]) -> Errors:
    """a + b n^-c, fitted to errors [C] at so many pictures, at further numbers of pictures.

    a, b and c are not negative, c is 2 at most; each error counts by its binomial deviation.
    """
    n, m = np.array(counts, np.float64), np.array(further, np.float64)
    deviation = np.sqrt(np.clip(errors, 1e-4, None))

    def curve(abc: Errors, x: Errors) -> Errors:
        out: Errors = abc[0] + abc[1] * (x / n[0]) ** -abc[2]
        return out

    fit = least_squares(
        lambda abc: (curve(abc, n) - errors) / deviation,
        (max(errors[-1] / 2, 1e-6), max(errors[0], 1e-6), 0.5),
        bounds=((0, 0, 0), (1, 1, 2)),
    )
    return np.clip(curve(fit.x, m), 0, 1)
