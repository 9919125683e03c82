"""What a run with boxes leaves in its folder."""

import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from ...dataset.notes import Note
from ...drawing.boxes import COLOURS, DrawnBox, draw_boxes
from ...drawing.thumbnails import contact_sheet
from ...engine.checkpoint import Progress
from ...engine.loop import Loop
from ...engine.step_plan import StepPlan
from ...files import write_whole
from ...network.layers.shapes import show
from ...network.published import rows_of
from ...pictures.boxes.write.manifest import write_box_manifest
from ...pictures.shards.urls import absolute_url
from ...tasks.boxes.table import answers_csv
from ...tasks.task import task_named
from ...transfer.weights import origin_of
from ..artifacts import write_artifacts
from ..run_folder import RunFolder, versions
from .examples import BoxBatches
from .finish import BoxResults
from .job import BoxJob, BoxPlan
from .network import BoxNetwork

PREVIEWED, COLUMNS = 8, 4
"""Pictures on `preview.png`, and in a row of it."""


def write_record(
    folder: RunFolder, job: BoxJob, plan: BoxPlan, *, network: BoxNetwork, pictures: str | Path
) -> None:
    """Write `run.json` and `manifest.csv`: with them the run can be resumed."""
    dataset = job.dataset
    once = copy.copy(network)
    once.tta_hflip = False
    rows = list(rows_of(once, (plan.canvas.height, plan.canvas.width)))
    multiplications = sum(row.counts.multiplications for row in rows)
    record = {
        "task": "boxes",
        "pictures": absolute_url(pictures),
        "options": job.options.flat(),
        "plan": plan.record(),
        "network": {
            "network": plan.line,
            "layers": [
                {
                    "layer": row.text,
                    "number": row.number,
                    "in": show(row.in_shape),
                    "out": show(row.out_shape),
                    "parameters": row.counts.parameters,
                    "multiplications": row.counts.multiplications,
                }
                for row in rows
            ],
            "parameters": sum(row.counts.parameters for row in rows),
            "multiplications": multiplications * (1 + plan.tta_hflip),
        },
        "weights": asdict(origin_of(f"timm:{plan.architecture}", "package", classes=0)),
        "data": {"fingerprint": dataset.fingerprint(), "pictures": dataset.counts()},
        "classes": list(dataset.classes),
        "versions": versions(),
    }
    folder.write(record)
    write_box_manifest(
        folder.path / "manifest.csv", dataset.catalog, store=dataset.store, split=dataset.split
    )


def note_steps(folder: RunFolder, steps: StepPlan) -> None:
    """Note in `run.json` that a training has other steps from here on."""
    record = folder.read()
    plan = replace(BoxPlan.from_record(record["plan"]), steps=steps)
    folder.write({**record, "plan": plan.record()})


def write_preview(folder: RunFolder, loop: Loop) -> None:
    """The first pictures of a training batch with their objects, as the network sees them."""
    batches = cast(BoxBatches, cast(Any, loop.batches))
    _, micro_batches = batches.micro_batches(0, 0, encode=lambda labels: labels)
    pixels, labels = next(micro_batches)
    shown = (pixels.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    drawn = []
    for picture, objects in zip(shown[:PREVIEWED], labels.tolist(), strict=False):
        from PIL import Image

        image = Image.fromarray(picture)
        boxes = [
            DrawnBox(edges, "", COLOURS[int(k) % len(COLOURS)]) for *edges, k in objects if k >= 0
        ]
        draw_boxes(image, boxes)
        drawn.append(np.asarray(image))
    write_whole(folder.path / "preview.png", contact_sheet(drawn, COLUMNS))


def write_results(
    folder: RunFolder, job: BoxJob, plan: BoxPlan, *, results: BoxResults, progress: Progress
) -> dict[str, Any]:
    """Write the detector, its parameters, answers, metrics, report and card; returns metrics."""
    dataset, evaluation = job.dataset, results.evaluation
    record = folder.read()
    metrics: dict[str, Any] = {
        "task": "boxes",
        "test": evaluation.metrics.as_json() if evaluation else None,
        "parity": asdict(results.parity),
        "tried": None,
        "calibration": asdict(results.calibration),
        "rule": results.rule.as_json(),
        "rule_sentence": results.rule.sentence(dataset.classes),
        "training": {
            "steps": progress.step,
            "steps_planned": plan.step_plan.steps,
            "best_step": progress.best_step,
            "batch": plan.batch,
            "canvas": [plan.canvas.height, plan.canvas.width],
            "compute": plan.compute,
            "seconds": round(progress.seconds, 3),
            "parameters": record["network"]["parameters"],
            "multiplications": record["network"]["multiplications"],
        },
        "pictures": dataset.counts(),
        "skipped": [{"name": name, "reason": reason} for name, reason in dataset.skipped],
        "notes": [asdict(note) for note in _notes(job)],
    }
    metrics = write_artifacts(
        folder.path,
        stopwatch=job.stopwatch,
        record=record,
        parameters=results.parameters,
        detector=results.file,
        answers=None if evaluation is None else answers_csv(evaluation.answers),
        metrics=metrics,
        report=task_named("boxes").report(metrics, cast(Any, evaluation)),
        history=progress.history,
        sources=dataset.subset(dataset.split.held_out).sources,
        multiplications=record["network"]["multiplications"],
        task="boxes",
    )
    brief = {"AP50": evaluation.metrics.ap50 if evaluation else None}
    folder.event("detector", {"step": progress.best_step, **brief})
    return metrics


def _notes(job: BoxJob) -> list[Note]:
    """What was found in the data, and what was done about it."""
    kinds: dict[str, int] = {}
    for fault in job.dataset.catalog.faults:
        kinds[fault.kind] = kinds.get(fault.kind, 0) + 1
    notes = [
        Note(f"{count:,} boxes or labels: {kind}", "mended or left out; 'convlens inspect' tells")
        for kind, count in kinds.items()
    ]
    if job.dataset.skipped:
        notes.append(Note(f"{len(job.dataset.skipped):,} files cannot be used", "left out"))
    return notes
