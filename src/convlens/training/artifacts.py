"""What a run leaves in its folder, whatever its detector answers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from ..files import saying_where, write_whole
from ..pictures.source import Source
from ..report.card import model_card
from ..report.layers import render_layers
from ..report.page import render_report
from ..stopwatch import Stopwatch
from ..tasks.shown import Report


def write_artifacts(
    folder: Path,
    *,
    stopwatch: Stopwatch,
    record: dict[str, Any],
    parameters: Mapping[str, Tensor],
    detector: bytes,
    answers: str | None,
    metrics: dict[str, Any],
    report: Report,
    history: Sequence[dict[str, Any]],
    sources: Sequence[Source],
    multiplications: int,
    task: str,
) -> dict[str, Any]:
    """Write the parameters, the detector, answers, metrics, the report and, last, the card.

    Args:
        folder: Where; `preview.png` stands there already.
        stopwatch: Counts the time that it takes as writing.
        record: What `run.json` holds.
        parameters: Of the network.
        detector: The file.
        answers: A table of what it answered; None where nothing was held out.
        metrics: All but the seconds of each part.
        report: What the task tells of the answers.
        history: The measurements in training.
        sources: Pictures with which the network's layers are looked at.
        multiplications: What looking at one of them takes.
        task: The task's name.

    Returns:
        The metrics with the `seconds` of each part of the run, of writing as far as it was.
    """
    with stopwatch.part("writing"):
        contiguous = {name: value.contiguous() for name, value in parameters.items()}
        write_whole(folder / "parameters.safetensors", save(contiguous))
        write_whole(folder / "detector.onnx", detector)
        if answers is not None:
            write_whole(folder / "predictions.csv", answers)
        seconds = {name: round(spent, 3) for name, spent in stopwatch.seconds().items()}
        metrics = {**metrics, "seconds": seconds}
        write_whole(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    preview = folder / "preview.png"
    with saying_where(preview, "read"):
        shown = preview.read_bytes()
    page = render_report(
        record,
        metrics,
        history=history,
        report=report,
        preview=shown,
        layers=render_layers(detector, sources, multiplications=multiplications),
        run=str(folder),
    )
    write_whole(folder / "report.html", page)
    write_whole(folder / "card.md", model_card(record, metrics, task=task, report=report))
    return metrics
