"""Answers as `predict` shows them: lines, rows of a table, and plain data."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from ...pictures.shards.urls import absolute_url
from .prediction import Prediction
from .rules.rule import UNSURE

STRANGE = "  (strange: unlike the pictures that it learnt from)"


def columns(classes: Sequence[str]) -> list[str]:
    """The headings of a table of answers."""
    return [
        "name",
        "predicted",
        "probability",
        "strangeness",
        "error",
        *(f"p:{k}" for k in classes),
    ]


def rows(prediction: Prediction) -> list[list[Any]]:
    """A prediction's one row in it; where there is no answer, its error and empty cells."""
    classes = prediction.labels
    if prediction.error is not None:
        return [[prediction.name, "", "", "", prediction.error, *("" for _ in classes)]]
    probabilities = dict(prediction.top(len(classes)))
    strangeness = "" if prediction.strangeness is None else prediction.strangeness
    answer = (prediction.name, prediction.predicted, prediction.probability, strangeness, "")
    return [[*answer, *(probabilities[label] for label in classes)]]


def answers_csv(answers: Iterable[tuple[str, Prediction]], classes: Sequence[str]) -> str:
    """Every picture, its label, and its answer to the last digit: what `compare` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    name, *others = columns(classes)
    writer.writerow([name, "label", *others])
    for label, prediction in answers:
        for name, *cells in rows(prediction):
            writer.writerow([absolute_url(name), label, *cells])
    return text.getvalue()


def lines(prediction: Prediction, top: int) -> list[str]:
    """The answer, or the `top` most probable classes, in columns as wide as the longest one."""
    width = max(map(len, (*prediction.labels, UNSURE)))
    if prediction.error is not None:
        return [f"{'error':<{width}}          {prediction.name}: {prediction.error}"]
    shown = [(prediction.predicted or "", prediction.probability or 0.0)]
    if top > 1:
        shown = prediction.top(top)
    best = "  ".join(f"{label:<{width}} {probability:7.2%}" for label, probability in shown)
    return [f"{best}  {prediction.name}{STRANGE if prediction.strange else ''}"]


def as_json(prediction: Prediction, top: int | None = None) -> dict[str, Any]:
    """Plain data, with the probabilities of the `top` most probable classes, or of all."""
    count = len(prediction.labels) if top is None else top
    return {
        "name": prediction.name,
        "predicted": prediction.predicted,
        "probability": prediction.probability,
        "probabilities": dict(prediction.top(count)),
        "strangeness": prediction.strangeness,
        "strange": prediction.strange,
        "error": prediction.error,
    }
