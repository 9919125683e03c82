"""What a form is worth beside the file that it was made of."""

import json
from pathlib import Path
from typing import Any

from ...detector.detector import Detector
from ...detector.evaluate import evaluate_catalog
from ...errors import ConvlensError
from ...evaluation.compare import decoded, milliseconds
from ...files import read_json, saying_where, write_whole
from .exported import Exported, Measured
from .proof import Proof

ALLOWED = 0.005
"""By how much accuracy or AP50 may fall on held-out pictures; one picture or object in any case."""


def compare_both(
    detectors: tuple[Detector, Detector],
    catalog: Any,
    *,
    to: str,
    split: str,
    proof: Proof,
    out: Path,
    folder: Path,
) -> Exported:
    """Accuracy, size and speed of both. Raises `ConvlensError` where the form lost too much."""
    speeds = milliseconds(detectors, decoded(catalog.sources), progress=lambda *_: None)
    if to == "browser":
        speeds[1] = None  # which is the visitor's machine's
    comparing = detectors[0].task.comparing()
    answers = [
        evaluate_catalog(detector, catalog, progress=lambda *_: None).answers
        for detector in detectors
    ]
    paired = comparing.paired(*answers, rule=detectors[0].rule)
    lost = paired.values[0] - paired.values[1]
    if lost > max(1 / max(1, paired.of), ALLOWED) + 1e-9:
        raise ConvlensError(
            f"--to {to}: on {len(answers[0]):,} {split} pictures the form's {comparing.measure} is "
            f"{lost:.1%} lower, more than the {ALLOWED:.1%} that are allowed, so it is not written"
        )
    if split in comparing.held_out:
        text = comparing.answers_csv(answers[1], detectors[1].labels)
        write_whole(folder / "predictions.csv", text)
    before, after = (
        Measured(value, detector.size / 1e6, speed)
        for value, detector, speed in zip(paired.values, detectors, speeds, strict=True)
    )
    return Exported(
        str(out),
        to,
        runtime=detectors[1].runtime,
        proof=proof,
        split=split,
        pictures=len(answers[0]),
        measure=comparing.measure,
        before=before,
        after=after,
        only_before=paired.only[0],
        only_after=paired.only[1],
        p=paired.p,
    )


def keep_record(run: Path, folder: Path, exported: Exported) -> None:
    """What `compare` reads of a run, and how the form was proven."""
    metrics = read_json(run / "metrics.json")
    metrics = {
        **{name: metrics.get(name) for name in ("task", "training", "seconds")},
        "export": exported.as_json(),
    }
    write_whole(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    with saying_where(run / "manifest.csv", "read"):
        write_whole(folder / "manifest.csv", (run / "manifest.csv").read_bytes())
