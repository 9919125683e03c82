"""Predictions as lines, JSON and CSV, each printed when it is there."""

import csv
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .output import emit, printable

if TYPE_CHECKING:
    from ..detector.detector import Detector
    from ..tasks.answers import Prediction


def print_lines(
    predictions: "Iterable[Prediction]", detector: "Detector", *, top: int
) -> tuple[int, int]:
    """A line for each. Returns how many failed, of how many."""
    failed = count = 0
    for prediction in predictions:
        count += 1
        failed += prediction.error is not None
        for line in detector.task.lines(prediction, top):
            emit(printable(line))
    return failed, count


def print_json(
    predictions: "Iterable[Prediction]", detector: "Detector", *, top: int
) -> tuple[int, int]:
    """A JSON array with an object for each. Returns how many failed, of how many."""
    failed = count = 0
    emit("[")
    for prediction in predictions:
        content = detector.task.as_json(prediction, top if top > 1 else None)
        emit((",\n" if count else "") + json.dumps(content))
        count += 1
        failed += prediction.error is not None
    emit("]")
    return failed, count


def print_csv(
    predictions: "Iterable[Prediction]", detector: "Detector", *, top: int
) -> tuple[int, int]:
    """CSV with every column of the task. Returns how many failed, of how many."""
    failed = count = 0
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(detector.task.columns(detector.labels))
    for prediction in predictions:
        count += 1
        failed += prediction.error is not None
        writer.writerows(detector.task.rows(prediction))
    return failed, count
