"""The run's report: one HTML file with everything inside it."""

import shlex
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import PictureError
from ..evaluation.evaluate import Evaluation
from ..pictures.catalog import SPLITS
from ..pictures.decode import decode
from . import words
from .charts import curves, paths
from .thumbnails import data_uri, thumbnail
from .words import percent

MISTAKES = 24
LARGEST_CONFUSION = 40
FEWEST_IN_BIN = 5
"""A point of the calibration's chart stands for so many pictures at least."""


def render_report(
    record: dict[str, Any],
    metrics: dict[str, Any],
    *,
    history: Sequence[dict[str, Any]],
    evaluation: Evaluation | None,
    preview: bytes,
) -> str:
    """The page as text. `record` is run.json, `metrics` is metrics.json, `preview` a PNG.

    Everything that came from outside (names of files and classes) is escaped by the template.
    """
    import jinja2
    import markupsafe

    home = files("convlens.report")
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        home.joinpath("report.html").read_text("utf-8")
    )
    classes = record["classes"]
    test, training = metrics["test"], metrics["training"]
    epochs = [moment["epoch"] for moment in history]
    best = next(
        (m["epoch"] for m in history if m["step"] == training["best_step"]),
        epochs[-1] if epochs else 0,
    )
    cost = {"training": [m["cost_train"] for m in history]}
    if any(m["cost_val"] is not None for m in history):
        cost["validation"] = [m["cost_val"] for m in history]
    accuracy = [m["accuracy_val"] and 100 * m["accuracy_val"] for m in history]
    held = words.held(metrics)
    sides = [side for side in SPLITS if side in metrics["pictures"]]
    return template.render(
        title=words.title(classes),
        style=markupsafe.Markup(home.joinpath("style.css").read_text("utf-8")),  # noqa: S704
        summary=words.summary(test, metrics, classes=classes),
        headline=_headline(test, training),
        learned=words.learned(training, record),
        tried=words.tried(metrics["tried"]),
        cost_chart=markupsafe.Markup(  # noqa: S704
            curves(
                epochs,
                cost,
                x_label="epoch",
                y_label="cost J (nats)",
                mark=(best, "parameters kept"),
            )
        )
        if training["steps"]
        else "",
        accuracy_chart=markupsafe.Markup(  # noqa: S704
            curves(epochs, {"validation": accuracy}, x_label="epoch", y_label="accuracy (%)")
        )
        if "validation" in cost and training["steps"]
        else "",
        coverage_chart=markupsafe.Markup(_coverage_chart(test, held)) if test else "",  # noqa: S704
        calibration_chart=markupsafe.Markup(_calibration_chart(test, held)) if test else "",  # noqa: S704
        strange=words.strange(metrics["strange"]),
        calibration=words.calibration(test, metrics["uncalibrated"]) if test else "",
        rule=words.rule(metrics["rule"], test),
        labels=classes,
        confusion=_confusion(test) if test and len(classes) <= LARGEST_CONFUSION else [],
        per_class=_per_class(test) if test else [],
        held=held,
        mistakes=_mistakes(evaluation, metrics["label_errors"]) if evaluation else [],
        mistakes_note=words.mistakes(
            len(evaluation.mistakes), test, label_errors=metrics["label_errors"]
        )
        if evaluation
        else "",
        notes=metrics["notes"],
        preview=data_uri(preview),
        sides=sides,
        counts=[
            (label, [f"{metrics['pictures'][side].get(label, 0):,}" for side in sides])
            for label in classes
        ],
        skipped=metrics["skipped"],
        network=record["network"]["network"],
        layers=[
            (
                row["layer"],
                row["out"],
                f"{row['parameters']:,}",
                f"{row['multiplications']:,}",
            )
            for row in record["network"]["layers"]
        ],
        command=_command(record, training),
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
    )


def _coverage_chart(test: dict[str, Any], held: str) -> str:
    curve = test["coverage_curve"]
    shares = [100 * share for share, _, _ in curve]
    accuracy = [100 * right for _, right, _ in curve]
    lowest = max(0.0, 2 * min(accuracy) - 100 - 1)
    return curves(
        shares,
        {held: accuracy},
        x_label="share answered, the surest first (%)",
        y_label="accuracy of the answers (%)",
        lowest=lowest,
    )


def _calibration_chart(test: dict[str, Any], held: str) -> str:
    bins = [one for one in test["calibration"] if one[2] >= FEWEST_IN_BIN]
    if len(bins) < 2:
        return ""
    sure, right = [100 * one[0] for one in bins], [100 * one[1] for one in bins]
    least = min([50.0, *sure, *right])
    lines = {
        "as sure as right": ([least, 100.0], [least, 100.0]),
        held: (sure, right),
    }
    return paths(lines, "probability of the answer (%)", y_label="share right (%)", lowest=least)


def _headline(test: dict[str, Any] | None, training: dict[str, Any]) -> list[tuple[str, str]]:
    held = []
    if test is not None:
        held = [
            ("accuracy", percent(test["accuracy"])),
            ("balanced accuracy", percent(test["balanced_accuracy"])),
            ("pictures judged", f"{test['n']:,}"),
            ("cost J", f"{test['cost']:.3f}"),
            ("calibration error", percent(test["ece"])),
        ]
    return [
        *held,
        ("parameters", f"{training['parameters']:,}"),
        *([("training", f"{training['seconds'] / 60:.1f} min")] if training["steps"] else []),
    ]


def _confusion(test: dict[str, Any]) -> list[tuple[str, list[tuple[int, str, str]]]]:
    return [
        (
            label,
            [
                (count, f"{count / max(1, sum(row)):.3f}", predicted)
                for count, predicted in zip(row, test["labels"], strict=False)
            ],
        )
        for label, row in zip(test["labels"], test["confusion"], strict=True)
    ]


def _per_class(test: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            label,
            f"{one['support']:,}",
            percent(one["recall"]),
            percent(one["precision"]),
            percent(one["f1"]),
        )
        for label, one in test["per_class"].items()
    ]


def _mistakes(evaluation: Evaluation, label_errors: Sequence[str]) -> list[dict[str, Any]]:
    shown = []
    for mistake in evaluation.mistakes[:MISTAKES]:
        try:
            image = thumbnail(decode(mistake.source.read()))
        except PictureError:  # gone meanwhile
            image = ""
        shown.append(
            {
                "image": image,
                "label": mistake.label,
                "predicted": mistake.predicted,
                "probability": percent(mistake.probability, 0),
                "name": Path(mistake.name).name,
                "label_errors": mistake.name in label_errors,
            }
        )
    return shown


def _command(record: dict[str, Any], training: dict[str, Any]) -> str:
    """The command that repeats the run: what was settled on the way is spelt out."""
    chosen, options = record["chosen"], record["options"]
    words = ["convlens", "train", record["pictures"]]
    settled = {
        **{name: value for name, value in options.items() if value is not None},
        "steps": training["steps_planned"],
        "augment": chosen["augment"],
        "size": chosen["size"],
        "folds": chosen["folds"],
        "network": chosen["network"],
        "weights": chosen["weights"],
        "compute": chosen["compute"],
        "threads": chosen["threads"],
    }
    for name in ("epochs", "minutes"):  # the steps say the same, exactly
        settled.pop(name, None)
    for name, value in settled.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return shlex.join(words)
