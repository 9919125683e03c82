"""Predictions as lines, JSON and CSV, each printed when it is there."""

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .output import complain, emit, printable

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


def print_coco(
    predictions: "Iterable[Prediction]", detector: "Detector", *, annotations: Path
) -> tuple[int, int]:
    """COCO's results, numbered as a file of annotations has it. Returns as the others do.

    Raises `UsageError` where the detector has no boxes, or the file none of its classes.
    """
    from ..pictures.boxes.forms.coco import read_numbers
    from ..tasks.boxes.coco import coco_results
    from ..tasks.boxes.prediction import BoxPrediction

    if detector.task.outputs[0] != "boxes":
        raise UsageError("--coco is for detectors of boxes")
    numbers = read_numbers(annotations)
    unknown = [label for label in detector.labels if label not in numbers.categories]
    if unknown:
        named = ", ".join(map(repr, unknown))
        raise UsageError(f"--coco {annotations}: it has no category {named}")
    categories = [numbers.categories[label] for label in detector.labels]
    failed = count = printed = 0
    emit("[")
    for prediction in predictions:
        assert isinstance(prediction, BoxPrediction)  # noqa: S101
        count += 1
        image, error = numbers.image(prediction.name), prediction.error
        if image is None and error is None:
            error = f"is not in {annotations}"
        if error is not None:
            complain(f"{printable(prediction.name)} {error}")
            failed += 1
            continue
        for result in coco_results(prediction, image, categories):
            emit((",\n" if printed else "") + json.dumps(result))
            printed += 1
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
