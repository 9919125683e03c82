"""Answers beside the true labels: metrics, and the mistakes, the worst first."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...html_table import html_table
from ...pictures.source import Source
from ..shown import Grid
from .labels import class_indices
from .metrics import Metrics, compute_metrics
from .prediction import Prediction
from .rules.advice import advice
from .rules.rule import Rule

LARGEST_CONFUSION = 20
"""Classes of which a terminal still shows the confusion matrix."""
MOST_CLASSES = 40
"""Classes whose metrics a terminal shows."""
LISTED = 10
"""Mistakes that a terminal shows."""


@dataclass(frozen=True)
class Mistake:
    """A picture that the detector takes for something else than its label says."""

    name: str
    label: str
    _: KW_ONLY
    predicted: str
    probability: float
    source: Source


@dataclass(frozen=True)
class Evaluation:
    """Metrics, each prediction beside its label, the worst mistakes first, and unreadable files."""

    metrics: Metrics
    answers: tuple[tuple[str, Prediction], ...]
    """(True label, prediction) of each picture that could be read."""
    _: KW_ONLY
    mistakes: tuple[Mistake, ...]
    skipped: tuple[tuple[str, str], ...]
    """(Name, reason) of each file that was left out."""

    @property
    def accuracy(self) -> float:
        """The share right of those answered, 0 to 1."""
        return self.metrics.accuracy

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes, 0 to 1."""
        return self.metrics.balanced_accuracy

    def as_json(self, most: int = 20) -> dict[str, Any]:
        """Metrics and the `most` worst mistakes as plain data."""
        return {
            **self.metrics.as_json(),
            "worst_mistakes": [
                {
                    "name": mistake.name,
                    "label": mistake.label,
                    "predicted": mistake.predicted,
                    "probability": mistake.probability,
                }
                for mistake in self.mistakes[:most]
            ],
            "skipped": [{"name": name, "reason": reason} for name, reason in self.skipped],
        }

    def _repr_html_(self) -> str:
        """For notebooks: the metrics, and the worst mistakes."""
        heads = ["mistake", "label", "predicted", "probability"]
        worst = [
            (Path(m.name).name, m.label, m.predicted, f"{m.probability:.1%}")
            for m in self.mistakes[:LISTED]
        ]
        return self.metrics._repr_html_() + (html_table(heads, worst) if worst else "")


def evaluate(
    answers: Sequence[tuple[str, Prediction]],
    sources: Sequence[Source],
    *,
    skipped: Sequence[tuple[str, str]] = (),
) -> Evaluation:
    """What answers beside their labels come to; one or more, each with probabilities."""
    labels = answers[0][1].labels
    true_N = class_indices([label for label, _ in answers], labels)
    probabilities = np.stack([p.probabilities for _, p in answers if p.probabilities is not None])
    predicted_N = np.array(
        [-1 if p.class_index is None else p.class_index for _, p in answers], np.int64
    )
    mistakes = [
        Mistake(
            prediction.name,
            label,
            predicted=prediction.predicted or "",
            probability=prediction.probability or 0,
            source=source,
        )
        for (label, prediction), source in zip(answers, sources, strict=True)
        if prediction.class_index is not None and prediction.predicted != label
    ]
    mistakes.sort(key=lambda mistake: -mistake.probability)
    metrics = compute_metrics(
        labels, true_N, probabilities_NK=probabilities, predicted_N=predicted_N
    )
    return Evaluation(metrics, tuple(answers), mistakes=tuple(mistakes), skipped=tuple(skipped))


def summary(evaluation: Evaluation, *, rule: Rule) -> Iterator[str | Grid]:
    """The metrics, class by class, the confusion matrix and the worst mistakes, for a terminal."""
    metrics = evaluation.metrics
    low, high = metrics.accuracy_interval
    yield f"n                 {metrics.n:,}"
    if metrics.coverage < 1:
        yield f"answered          {metrics.coverage:.2%}  (the others are called unsure)"
    yield f"accuracy          {metrics.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%})"
    low, high = metrics.balanced_accuracy_interval
    yield (
        f"balanced accuracy {metrics.balanced_accuracy:.2%}  "
        f"(95 % interval {low:.2%} to {high:.2%})"
    )
    yield f"majority baseline {metrics.majority_baseline:.2%}"
    yield f"cost J            {metrics.cost:.4f} nats"
    yield f"calibration error {metrics.ece:.2%}"
    yield ""
    classes = list(metrics.per_class.items())
    if len(classes) > MOST_CLASSES:
        present = [(label, c) for label, c in classes if c.support]
        classes = sorted(present, key=lambda item: item[1].recall)[:MOST_CLASSES]
        yield f"the {len(classes)} of {len(metrics.labels):,} classes of which least is found"
    yield Grid(
        ["class", "pictures", "recall", "precision", "F1"],
        [
            [label, f"{c.support:,}", f"{c.recall:.2%}", f"{c.precision:.2%}", f"{c.f1:.2%}"]
            for label, c in classes
        ],
    )
    for sentence in advice(metrics, rule):
        yield ""
        yield sentence
    if len(metrics.labels) <= LARGEST_CONFUSION:
        yield ""
        yield "true \\ predicted"
        yield Grid(
            ["", *metrics.labels],
            [
                [label, *map(str, counts)]
                for label, counts in zip(metrics.labels, metrics.confusion, strict=True)
            ],
        )
    if evaluation.mistakes:
        yield ""
        yield "the worst mistakes"
        for mistake in evaluation.mistakes[:LISTED]:
            yield (
                f"  {mistake.label}, predicted {mistake.predicted} "
                f"({mistake.probability:.1%})  {mistake.name}"
            )
