"""`convlens evaluate`: a detector's answers on labelled pictures, and what they are worth."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..detector.detector import Detector, Prediction
from ..errors import ConvlensError, UsageError
from ..pictures.catalog import SPLITS, Catalog, read_catalog
from ..pictures.source import Source
from .metrics import Metrics, compute_metrics


@dataclass(frozen=True)
class Mistake:
    """A picture that the detector calls something else than its label."""

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
    _: KW_ONLY
    mistakes: tuple[Mistake, ...]
    skipped: tuple[tuple[str, str], ...]

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


def evaluate_catalog(
    detector: Detector, catalog: Catalog, *, progress: Callable[[str, int, int], None]
) -> Evaluation:
    """Answer every picture of a catalog and count what is right. Raises `ConvlensError`."""
    unknown = sorted(set(catalog.labels) - set(detector.labels))
    if unknown:
        raise ConvlensError(
            f"the detector knows {', '.join(map(repr, detector.labels))}, and the pictures also "
            f"have {', '.join(map(repr, unknown))}: leave those out, or name the folders alike"
        )
    answers: list[tuple[str, Prediction]] = []
    sources: list[Source] = []
    skipped = list(catalog.skipped)
    for row, prediction in enumerate(detector.predict(catalog.sources)):
        if prediction.error is None:
            answers.append((catalog.labels[row], prediction))
            sources.append(catalog.sources[row])
        else:
            skipped.append((prediction.name, prediction.error))
        progress("judging pictures", row + 1, len(catalog))
    if not answers:
        raise ConvlensError(
            "none of the pictures could be read; the first: " + ": ".join(skipped[0])
        )
    return evaluation_of(answers, sources, skipped=tuple(skipped))


def evaluation_of(
    answers: Sequence[tuple[str, Prediction]],
    sources: Sequence[Source],
    *,
    skipped: tuple[tuple[str, str], ...] = (),
) -> Evaluation:
    """What answers beside their labels come to; one or more, each with probabilities."""
    labels = answers[0][1].labels
    true = np.array([labels.index(label) for label, _ in answers], np.int64)
    probabilities = np.stack([p.probabilities for _, p in answers if p.probabilities is not None])
    predicted = np.array(
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
    metrics = compute_metrics(labels, true, probabilities_NK=probabilities, predicted_N=predicted)
    return Evaluation(metrics, tuple(answers), mistakes=tuple(mistakes), skipped=skipped)


def evaluate(
    detector: str | Path | Detector,
    pictures: str | Path,
    *,
    split: str | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Evaluation:
    """Measure a detector on labelled pictures: a folder or a table, as for training.

    `split` is `train`, `val`, `test` or `all`; by default the test pictures where the data marks
    them, and all of them where it does not. A run's `manifest.csv` is such a table: measured on it,
    a detector gives the metrics that its run reported. Raises `ConvlensError`.
    """
    if split not in {None, "all", *SPLITS}:
        raise UsageError(f"--split {split}: it can be train, val, test or all")
    detector = detector if isinstance(detector, Detector) else Detector(detector)
    catalog = read_catalog(pictures)
    split = split or ("test" if "test" in catalog.splits else "all")
    if split != "all":
        rows = [row for row, side in enumerate(catalog.splits) if side == split]
        if not rows:
            raise ConvlensError(f"{pictures} marks no pictures as {split}")
        catalog = catalog.take(rows)
    return evaluate_catalog(detector, catalog, progress=progress)
