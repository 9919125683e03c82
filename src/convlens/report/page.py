"""The run's report: one HTML file with everything inside it."""

import shlex
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from ..drawing.charts import curves
from ..drawing.template import rendered, text_of
from ..drawing.thumbnails import data_uri
from ..pictures.catalog import SPLITS
from ..stopwatch import told
from ..tasks.shown import Report
from . import words


def render_report(
    record: dict[str, Any],
    metrics: dict[str, Any],
    *,
    history: Sequence[dict[str, Any]],
    report: Report,
    preview: bytes,
    run: str,
    layers: str = "",
) -> str:
    """The page as text. `record` is run.json, `metrics` is metrics.json, `preview` a PNG.

    `run` is the path of the run's folder, `report` what the task tells of its answers, `layers` the
    part on the network's layers, as HTML, and `history` are the measurements in training.

    Everything that came from outside (names of files and classes) is escaped by the template.
    """
    script = text_of("report/layers.js")
    classes = record["classes"]
    training = metrics["training"]
    epochs = [moment["epoch"] for moment in history]
    best = next(
        (m["epoch"] for m in history if m["step"] == training["best_step"]),
        epochs[-1] if epochs else 0,
    )
    cost = {"training": [m["cost_train"] for m in history]}
    if any(m["cost_val"] is not None for m in history):
        cost["validation"] = [m["cost_val"] for m in history]
    accuracy = [m["accuracy_val"] and 100 * m["accuracy_val"] for m in history]
    splits = [split for split in SPLITS if split in metrics["pictures"]]
    return rendered(
        "report/report.html",
        title=words.title(classes),
        style=text_of("report/style.css"),
        summary=report.summary,
        headline=[*report.headline, *_headline(training)],
        body=report.body,
        learned=report.learned or words.learned(training, record),
        layers=layers,
        script=script,
        script_digest=b64encode(sha256(script.encode()).digest()).decode(),
        tried=words.tried(metrics["tried"]),
        time=told(metrics["seconds"]),
        cost_chart=curves(
            epochs,
            cost,
            x_label="epoch",
            y_label="cost J (nats)",
            mark=(best, "parameters kept"),
        )
        if training["steps"]
        else "",
        accuracy_chart=curves(
            epochs, {"validation": accuracy}, x_label="epoch", y_label="accuracy (%)"
        )
        if "validation" in cost and training["steps"]
        else "",
        notes=metrics["notes"],
        preview=data_uri(preview),
        splits=splits,
        counted="objects" if record.get("task") == "boxes" else "pictures",
        counts=[
            (label, [f"{metrics['pictures'][split].get(label, 0):,}" for split in splits])
            for label in classes
        ],
        skipped=metrics["skipped"],
        network=record["network"]["network"],
        multiplications=words.multiplications(training, record),
        rows=[
            (
                row["layer"],
                row["out"],
                f"{row['parameters']:,}",
                f"{row['multiplications']:,}",
            )
            for row in record["network"]["layers"]
        ],
        command=shlex.join(["convlens", "train", "--repeat", run]),
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
    )


def _headline(training: dict[str, Any]) -> list[tuple[str, str]]:
    headline = [("parameters", f"{training['parameters']:,}")]
    if training["steps"]:
        headline.append(("training", f"{training['seconds'] / 60:.1f} min"))
    return headline
