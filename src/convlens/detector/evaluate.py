"""`convlens evaluate`: a detector's answers on labelled pictures, and what they are worth."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConvlensError, UsageError
from ..pictures.catalog import SPLITS
from ..pictures.source import Source
from ..progress import Progress
from .predictor import Predictor

if TYPE_CHECKING:
    from ..tasks.answers import Evaluation, Prediction


def evaluate(
    detector: Predictor,
    pictures: str | Path,
    *,
    split: str | None,
    boxes: str | None,
    progress: Progress,
) -> "Evaluation":
    """Evaluate on a folder, a table or shards, or on one split of it: see `Detector.evaluate`."""
    if split not in {None, "all", *SPLITS}:
        raise UsageError(f"--split {split}: it can be train, val, test or all")
    catalog = detector.task.read(pictures, boxes=boxes)
    if split is None and "train" in catalog.splits and "test" not in catalog.splits:
        raise UsageError(
            f"{pictures} marks pictures to learn from and none as test: say which with --split "
            "val, train or all (of a run that was judged by folds, predictions.csv has the answer "
            "to each picture that was learnt without it)"
        )
    split = split or ("test" if "test" in catalog.splits else "all")
    if split != "all":
        rows = catalog.rows_of(split)
        if not rows:
            raise ConvlensError(f"{pictures} marks no pictures as {split}")
        catalog = catalog.take(rows)
    return evaluate_catalog(detector, catalog, progress=progress)


def evaluate_catalog(
    detector: Predictor,
    catalog: Any,
    *,
    progress: Progress,
    known: "Mapping[int, Prediction] | None" = None,
) -> "Evaluation":
    """Answer every picture of a catalog and compare with what is there. Raises `ConvlensError`.

    `catalog` is of the kind that the detector's task reads. `known` are answers of this detector,
    by row, that need not be computed again.
    """
    known = known or {}
    truths = detector.task.truths(catalog, detector.labels)  # unknown labels are told at once
    answers: list[tuple[Any, Prediction]] = []
    sources: list[Source] = []
    skipped = list(catalog.skipped)
    unknown = [source for row, source in enumerate(catalog.sources) if row not in known]
    computed = detector.predict_many(unknown)
    for row in range(len(catalog)):
        prediction = known.get(row) or next(computed)
        if prediction.error is None:
            answers.append((truths[row], prediction))
            sources.append(catalog.sources[row])
        else:
            skipped.append((prediction.name, prediction.error))
        progress("judging pictures", row + 1, len(catalog))
    if not answers:
        raise ConvlensError(
            "none of the pictures could be read; the first: " + ": ".join(skipped[0])
        )
    return detector.task.evaluate(answers, sources, skipped=skipped)
