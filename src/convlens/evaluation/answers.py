"""Answers beside their labels, as a run's folder keeps them."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..tasks.task import Task

if TYPE_CHECKING:
    from ..tasks.answers import Prediction


def predictions_csv(
    task: Task, classes: Sequence[str], answers: "Iterable[tuple[Any, Prediction]]"
) -> str:
    """Every picture, its label, and its answer to the last digit: what `compare` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    name, *columns = task.columns(classes)
    writer.writerow([name, "label", *columns])
    for label, prediction in answers:
        for name, *cells in task.rows(prediction):
            writer.writerow([name, label, *cells])
    return text.getvalue()
