"""Would more pictures help? A learning curve and what it comes to if it goes on (Figueroa 2012)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import least_squares

from ..pictures.hashing import Progress
from ..transfer.head import FOLDS, FeatureSet, folds
from ..transfer.linear_probe import probe_on

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
FEWEST = 10
"""A point of the curve stands for so many pictures learnt from, at least."""
MOST = 20_000
"""Of more pictures so many are drawn."""
FURTHER = (2, 4)
"""As how many times the pictures the curve is continued to."""
RESAMPLED = 200

Errors = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """With so many pictures to learn from: the share of wrong answers, and its 95 % interval."""

    pictures: int
    error: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """What was measured, and what is expected of more pictures of the same kind."""

    measured: tuple[Point, ...]
    expected: tuple[Point, ...]

    @property
    def helps(self) -> bool:
        """Whether twice the pictures are expected to spare a tenth of the mistakes or more.

        As long as the interval leaves no doubt that they spare any.
        """
        now, then = self.measured[-1], self.expected[0]
        return then.error <= 0.9 * now.error and then.interval[1] < now.error


def learning_curve(
    whole: FeatureSet, classes: int, *, progress: Progress = lambda *_: None, seed: int = 0
) -> Curve:
    """How often a head on fixed features is wrong, by the number of pictures that it learnt from.

    In each of five folds, growing draws of the other folds (what belongs together drawn together)
    are learnt from and the fold is judged. The curve is continued as a + b n^-c, its interval by
    resampling the judged pictures.
    """
    whole = _drawn(whole, min(len(whole.labels), MOST), seed=seed)
    fold = folds(whole.labels, whole.groups, seed=seed)
    pool = len(whole.labels) * (FOLDS - 1) // FOLDS
    counts = sorted({max(FEWEST, round(pool * share)) for share in SHARES})
    wrong = np.zeros((len(fold), len(counts)))
    for k in range(FOLDS):
        judged, others = whole.take(fold == k), whole.take(fold != k)
        for place, count in enumerate(counts):
            answers = _answers(_drawn(others, count, seed=seed), judged, classes=classes, seed=seed)
            wrong[(fold == k).numpy(), place] = (answers != judged.labels).numpy()
            progress("learning curve", k * len(counts) + place + 1, FOLDS * len(counts))
    return continued(counts, wrong, seed=seed)


def _drawn(side: FeatureSet, count: int, *, seed: int) -> FeatureSet:
    """About so many pictures, class by class alike; small draws lie in large ones."""
    random = np.random.default_rng(seed)
    keys = side.groups.numpy()
    order = {key: place for place, key in enumerate(random.permutation(np.unique(keys)))}
    places = np.array([order[key] for key in keys], np.int64)
    share = count / max(1, len(keys))
    taken = np.zeros(len(keys), bool)
    labels = side.labels.numpy()
    for label in np.unique(labels):
        of_class = np.where(labels == label)[0]
        first = of_class[np.argsort(places[of_class], kind="stable")]
        taken[first[: max(1, round(share * len(first)))]] = True
    return side.take(torch.from_numpy(taken))


def _answers(learn: FeatureSet, judged: FeatureSet, *, classes: int, seed: int) -> torch.Tensor:
    nothing = learn.take(learn.labels < 0)
    head = probe_on(
        learn, nothing, classes=classes, weights_K=torch.ones(classes), seed=seed
    ).head()
    return head.logits(judged.features.mean(1)).argmax(1)


def continued(counts: Sequence[int], wrong_NC: Errors, *, seed: int = 0) -> Curve:
    """The curve of pictures [N] that are wrong (1) or right (0) after learning from so many [C].

    The interval is a Bayesian bootstrap's (Rubin 1981), with half a picture more that is always
    wrong and half a one that never is (Jeffreys): without them, no mistake would mean none ever.
    """
    random = np.random.default_rng(seed)
    at = [times * counts[-1] for times in FURTHER]
    weights = random.exponential(size=(RESAMPLED, len(wrong_NC)))
    wrong, right = random.gamma(0.5, size=(2, RESAMPLED, 1))
    drawn = (weights @ wrong_NC + wrong) / (weights.sum(1, keepdims=True) + wrong + right)
    means = np.vstack([wrong_NC.mean(0), drawn])
    both = np.hstack([means, [fitted(counts, mean, at) for mean in means]])
    low, high = np.quantile(both[1:], (0.025, 0.975), axis=0)
    points = [
        Point(count, float(both[0, c]), interval=(float(low[c]), float(high[c])))
        for c, count in enumerate([*counts, *at])
    ]
    return Curve(tuple(points[: len(counts)]), tuple(points[len(counts) :]))


def fitted(counts: Sequence[int], errors: Errors, at: Sequence[int]) -> Errors:
    """a + b n^-c, fitted to errors [C] at so many pictures, at other numbers of pictures.

    a, b and c are not negative, c is 2 at most; each error counts by its binomial deviation.
    """
    n, m = np.array(counts, np.float64), np.array(at, np.float64)
    deviation = np.sqrt(np.clip(errors, 1e-4, None))

    def curve(abc: Errors, x: Errors) -> Errors:
        out: Errors = abc[0] + abc[1] * (x / n[0]) ** -abc[2]
        return out

    found = least_squares(
        lambda abc: (curve(abc, n) - errors) / deviation,
        (max(errors[-1] / 2, 1e-6), max(errors[0], 1e-6), 0.5),
        bounds=((0, 0, 0), (1, 1, 2)),
    )
    return np.clip(curve(found.x, m), 0, 1)
