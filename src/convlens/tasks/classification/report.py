"""A classification's part of a run's report: its summary, charts, tables and worst mistakes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...drawing.charts import curves, paths
from ...drawing.template import rendered
from ...drawing.text import percent
from ...drawing.thumbnails import thumbnail
from ...errors import PictureError
from ...pictures.decode import decode
from ...pictures.source import Source
from ..shown import Explain, Report
from . import words
from .evaluation import Evaluation

MISTAKES = 24
LARGEST_CONFUSION = 40
MIN_BIN_PICTURES = 5
"""A point of the calibration's chart stands for so many pictures at least."""

Values = Mapping[str, Any]


def report(metrics: Values, evaluation: Evaluation | None, *, explain: Explain | None) -> Report:
    """The summary, the headline and the sections. `metrics` is metrics.json.

    Everything that came from outside (names of files and classes) is escaped by the template.
    """
    test = metrics["test"]
    return Report(
        summary=" ".join((words.summary(test, metrics), *metrics["advice"])),
        headline=_headline(test) if test else [],
        body=_body(test, metrics, evaluation, explain=explain) if test else "",
    )


def _body(
    test: Values, metrics: Values, evaluation: Evaluation | None, *, explain: Explain | None
) -> str:
    held_out, label_errors = words.held_out(metrics), metrics["label_errors"]
    mistakes = evaluation.mistakes if evaluation else ()
    worst = mistakes[:MISTAKES]
    explained = explain([(one.source, one.predicted) for one in worst]) if explain else ()
    heats = [thumbnail(image) if image is not None else "" for image in explained]
    heats += [""] * (len(worst) - len(heats))
    return rendered(
        "tasks/classification/report.html",
        coverage_chart=_coverage_chart(test, held_out),
        calibration_chart=_calibration_chart(test, held_out),
        strange=words.strange(metrics["strange"]),
        calibration=words.calibration(test, metrics["uncalibrated"]),
        rule=words.rule(metrics["rule"], test),
        labels=test["labels"],
        confusion=_confusion(test) if len(test["labels"]) <= LARGEST_CONFUSION else [],
        per_class=_per_class(test),
        held_out=held_out,
        explained=any(heats),
        mistakes=[
            {
                "heat": heat,
                "image": _thumbnail(mistake.source),
                "label": mistake.label,
                "predicted": mistake.predicted,
                "probability": percent(mistake.probability, 0),
                "name": Path(mistake.name).name,
                "label_error": mistake.name in label_errors,
            }
            for mistake, heat in zip(worst, heats, strict=True)
        ],
        mistakes_note=words.mistakes(len(mistakes), test, label_errors=label_errors),
    )


def _headline(test: Values) -> list[tuple[str, str]]:
    return [
        ("accuracy", percent(test["accuracy"])),
        ("balanced accuracy", percent(test["balanced_accuracy"])),
        ("pictures judged", f"{test['n']:,}"),
        ("cost J", f"{test['cost']:.3f}"),
        ("calibration error", percent(test["ece"])),
    ]


def _coverage_chart(test: Values, held_out: str) -> str:
    curve = test["coverage_curve"]
    shares = [100 * share for share, _, _ in curve]
    accuracy = [100 * right for _, right, _ in curve]
    lowest = max(0.0, 2 * min(accuracy) - 100 - 1)
    return curves(
        shares,
        {held_out: accuracy},
        x_label="share answered, the surest first (%)",
        y_label="accuracy of the answers (%)",
        lowest=lowest,
    )


def _calibration_chart(test: Values, held_out: str) -> str:
    bins = [(sure, right) for sure, right, n in test["calibration"] if n >= MIN_BIN_PICTURES]
    if len(bins) < 2:
        return ""
    probabilities, shares = [100 * sure for sure, _ in bins], [100 * right for _, right in bins]
    lowest = min([50.0, *probabilities, *shares])
    lines = {
        "as sure as right": ([lowest, 100.0], [lowest, 100.0]),
        held_out: (probabilities, shares),
    }
    return paths(lines, "probability of the answer (%)", y_label="share right (%)", lowest=lowest)


def _confusion(test: Values) -> list[tuple[str, list[tuple[int, str, str]]]]:
    return [
        (
            label,
            [
                (row.get(k, 0), f"{row.get(k, 0) / max(1, sum(row.values())):.3f}", k)
                for k in test["labels"]
            ],
        )
        for label, row in test["confusion"].items()
    ]


def _per_class(test: Values) -> Sequence[tuple[str, ...]]:
    return [
        (
            label,
            f"{values['support']:,}",
            *(percent(values[name]) for name in ("recall", "precision", "f1")),
        )
        for label, values in test["per_class"].items()
    ]


def _thumbnail(source: Source) -> str:
    try:
        return thumbnail(decode(source.read()))
    except PictureError:  # gone meanwhile
        return ""
