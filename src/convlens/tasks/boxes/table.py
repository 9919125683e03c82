"""Answers as `predict` shows them: lines, rows of a table, plain data, COCO's results."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from ...pictures.shards.urls import absolute_url
from .matching import Truth
from .prediction import BoxPrediction


def columns(classes: Sequence[str]) -> list[str]:
    """The headings of a table of answers: a row for each object."""
    return ["name", "predicted", "score", "left", "top", "right", "bottom", "error"]


def rows(prediction: BoxPrediction) -> list[list[Any]]:
    """A picture's rows in it; one without objects has one with empty cells, or with its error."""
    if not prediction.objects:
        return [[prediction.name, "", "", "", "", "", "", prediction.error or ""]]
    return [
        [
            prediction.name,
            thing.predicted,
            thing.score,
            *(round(at, 2) for at in thing.box),
            "",
        ]
        for thing in prediction.objects
    ]


def answers_csv(answers: Iterable[tuple[Truth, BoxPrediction]], classes: Sequence[str] = ()) -> str:
    """All answers to the held-out pictures, as a run's folder keeps them, the unsure ones too."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns(classes))
    for _, prediction in answers:
        if prediction.boxes is None or prediction.scores is None or prediction.classes is None:
            continue
        for box, score, k in zip(
            prediction.boxes.tolist(),
            prediction.scores.tolist(),
            prediction.classes.tolist(),
            strict=True,
        ):
            edges = (round(at, 2) for at in box)
            writer.writerow(
                [absolute_url(prediction.name), prediction.labels[k], score, *edges, ""]
            )
    return text.getvalue()


def lines(prediction: BoxPrediction, top: int) -> list[str]:
    """A line for each object, in columns as wide as the longest class."""
    width = max(map(len, (*prediction.labels, "nothing")))
    if prediction.error is not None:
        return [f"{'error':<{width}}          {prediction.name}: {prediction.error}"]
    told = [
        f"{thing.predicted:<{width}} {thing.score:7.2%}  "
        f"at ({', '.join(f'{at:.0f}' for at in thing.box)})  {prediction.name}"
        for thing in prediction.objects
    ]
    return told or [f"{'nothing':<{width}}          {prediction.name}"]


def as_json(prediction: BoxPrediction, top: int | None = None) -> dict[str, Any]:
    """Plain data, with the `top` surest objects, or all."""
    return {
        "name": prediction.name,
        "objects": [thing.as_json() for thing in prediction.objects[:top]],
        "counts": prediction.counts(),
        "error": prediction.error,
    }
