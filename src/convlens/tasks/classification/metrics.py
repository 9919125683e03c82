"""Metrics from labels and probabilities."""

from dataclasses import KW_ONLY, asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...html_table import html_table
from ..intervals import wilson


@dataclass(frozen=True)
class ClassMetrics:
    """How well one class is told from the others; each value is 0 to 1."""

    precision: float
    """Of the pictures predicted to be of the class, the share that is."""
    recall: float
    """Of the pictures of the class, the share that was predicted so."""
    _: KW_ONLY
    f1: float
    """The harmonic mean of both."""
    support: int
    """Pictures of the class."""


@dataclass(frozen=True)
class Metrics:
    """How good a detector is on n pictures; shares are 0 to 1, intervals are of 95 %.

    A picture without an answer is in no cell of the confusion matrix, and counts as not found in
    its class's recall.
    """

    n: int
    coverage: float
    """The share of pictures that got an answer."""
    _: KW_ONLY
    accuracy: float
    """The share right of those that got an answer."""
    accuracy_interval: tuple[float, float]
    """Wilson's interval of it."""
    majority_baseline: float
    """The accuracy of always answering the commonest class."""
    balanced_accuracy: float
    """The mean recall of the classes that are present."""
    balanced_accuracy_interval: tuple[float, float]
    cost: float
    """The mean cross-entropy, in nats."""
    ece: float
    """The expected calibration error over 15 equal bins (Guo et al. 2017)."""
    labels: tuple[str, ...]
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]
    """`confusion[i][j]` counts pictures of class i predicted as j, in the order of `labels`."""
    coverage_curve: list[tuple[float, float, float]]
    """(Share answered, accuracy of those, lowest probability answered), the surest first."""
    calibration: list[tuple[float, float, int]]
    """(Mean probability, share right, pictures) of the bins behind `ece`."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain data; of the confusion matrix what is not 0, by the classes' names."""
        cells = {
            true: {label: count for label, count in zip(self.labels, row, strict=True) if count}
            for true, row in zip(self.labels, self.confusion, strict=True)
        }
        return asdict(replace(self, confusion=[])) | {"confusion": cells}

    def _repr_html_(self) -> str:
        """For notebooks: a small table."""
        low, high = self.accuracy_interval
        rows = {
            "pictures": f"{self.n:,}",
            "accuracy": f"{self.accuracy:.2%} (95 % interval {low:.2%} to {high:.2%})",
            "balanced accuracy": f"{self.balanced_accuracy:.2%}",
            "cost J": f"{self.cost:.4f} nats",
            "calibration error": f"{self.ece:.2%}",
        }
        recalls = {f"recall of {name}": f"{c.recall:.2%}" for name, c in self.per_class.items()}
        return html_table((), (rows | recalls).items())


def cross_entropy(
    true_N: npt.NDArray[np.int64], probabilities_NK: npt.NDArray[np.float32]
) -> float:
    """J: the mean of -ln(probability of the true class), in nats.

    Probabilities are kept off 0 by float32's resolution, 1.2e-7, as scikit-learn's log_loss does.
    """
    right = probabilities_NK[np.arange(len(true_N)), true_N].astype(np.float64)
    return float(-np.log(np.maximum(right, np.finfo(np.float32).eps)).mean())


def calibration_error(
    correct_N: npt.NDArray[np.bool_], confidence_N: npt.NDArray[np.float32]
) -> float:
    """Mean gap between confidence and accuracy over equal bins of confidence, weighted by count."""
    bins = calibration_bins(correct_N, confidence_N)
    return sum(abs(right - sure) * n for sure, right, n in bins) / len(correct_N)


def calibration_bins(
    correct_N: npt.NDArray[np.bool_], confidence_N: npt.NDArray[np.float32], *, bins: int = 15
) -> list[tuple[float, float, int]]:
    """(Mean confidence, accuracy, pictures) of each equal bin of confidence that has any."""
    bin_N = np.minimum((confidence_N * bins).astype(int), bins - 1)
    return [
        (
            float(confidence_N[bin_N == b].mean()),
            float(correct_N[bin_N == b].mean()),
            int((bin_N == b).sum()),
        )
        for b in np.unique(bin_N)
    ]


def compute_metrics(
    labels: tuple[str, ...],
    true_N: npt.NDArray[np.int64],
    *,
    probabilities_NK: npt.NDArray[np.float32],
    predicted_N: npt.NDArray[np.int64] | None = None,
) -> Metrics:
    """Metrics for true class indices [N] and probabilities [N, K]; N is 1 or more.

    `predicted_N` are class indices, -1 for no answer; by default the most probable classes.
    Calibration and the curve of coverage are of the most probable classes.
    """
    n, classes = len(true_N), len(labels)
    predicted_N = probabilities_NK.argmax(axis=1) if predicted_N is None else predicted_N
    answered_N = predicted_N >= 0
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (true_N[answered_N], predicted_N[answered_N]), 1)
    hits, calls = confusion.diagonal(), confusion.sum(axis=0)
    support = np.bincount(true_N, minlength=classes)
    answered = int(answered_N.sum())
    right_N = probabilities_NK.argmax(axis=1) == true_N
    surest_N = probabilities_NK.max(axis=1)
    per_class = {
        label: ClassMetrics(
            precision=_share(hits[k], calls[k]),
            recall=_share(hits[k], support[k]),
            f1=_share(2 * hits[k], calls[k] + support[k]),
            support=int(support[k]),
        )
        for k, label in enumerate(labels)
    }
    present = [per_class[label].recall for k, label in enumerate(labels) if support[k]]
    correct = int(hits.sum())
    return Metrics(
        n=n,
        coverage=answered / n,
        accuracy=_share(correct, answered),
        accuracy_interval=wilson(correct, answered),
        majority_baseline=int(support.max()) / n,
        balanced_accuracy=sum(present) / len(present),
        balanced_accuracy_interval=mean_recall_interval(hits[support > 0], support[support > 0]),
        cost=cross_entropy(true_N, probabilities_NK),
        ece=calibration_error(right_N, surest_N),
        labels=labels,
        per_class=per_class,
        confusion=confusion.tolist(),
        coverage_curve=coverage_curve(right_N, surest_N),
        calibration=calibration_bins(right_N, surest_N),
    )


def mean_recall_interval(
    hits_K: npt.NDArray[np.int64], support_K: npt.NDArray[np.int64], *, draws: int = 4000
) -> tuple[float, float]:
    """95 % interval for a mean of recalls, drawn from each one's posterior by Jeffreys' prior.

    Where all hit, or none, that prior's interval leaves the mean itself out: it is taken in.
    """
    random = np.random.default_rng(0)
    beta = random.beta(hits_K + 0.5, support_K - hits_K + 0.5, (draws, len(hits_K)))
    low, high = np.quantile(beta.mean(1), (0.025, 0.975))
    mean = float((hits_K / support_K).mean())
    return min(float(low), mean), max(float(high), mean)


def coverage_curve(
    right_N: npt.NDArray[np.bool_], surest_N: npt.NDArray[np.float32], *, points: int = 20
) -> list[tuple[float, float, float]]:
    """(Share answered, accuracy of those, lowest probability), for shares up to 1."""
    order = np.argsort(-surest_N, kind="stable")
    right = right_N[order].cumsum()
    counts = sorted({max(1, round(len(order) * k / points)) for k in range(1, points + 1)})
    return [
        (n / len(order), float(right[n - 1]) / n, float(surest_N[order[n - 1]])) for n in counts
    ]


def _share(part: int, whole: int) -> float:
    return float(part) / float(whole) if whole else 0.0
