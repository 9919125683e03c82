"""Which of several detectors of boxes is better, on the pictures that all of them held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..detector.detector import Detector
from ..errors import ConvlensError
from ..files import read_csv
from ..pictures.boxes.read import read_boxes
from ..pictures.shards.urls import absolute_url
from ..pictures.source import FileSource
from ..progress import Progress
from ..tasks.boxes.comparing import ap50s, judge, p_of
from ..tasks.boxes.matching import Truth
from ..tasks.boxes.prediction import BoxPrediction
from ..tasks.boxes.truth import truths_of
from .compare import (
    Comparison,
    check_answers,
    contender,
    decoded,
    in_order_of_merit,
    milliseconds,
)

NEAR = 0.01
"""Pixels by which edges may differ that were written and read in another form."""


class _Held(NamedTuple):
    """A picture that a run held out: its path, its objects, and what the run said."""

    path: str
    truth: Truth
    answer: BoxPrediction


def compare_boxes(folders: Sequence[Path], *, progress: Progress) -> Comparison:
    """As `compare` does, by AP50, with a paired bootstrap over pictures as the test.

    `only_this` and `only_best` count objects that only one of the two finds, by its own rule.
    Raises `ConvlensError` where the runs held no picture out in common, or know other classes.
    """
    held = [_held_out(folder) for folder in folders]
    shared = sorted(set.intersection(*(set(of_run) for of_run in held)))
    if not shared:
        raise ConvlensError(
            "these runs held out no picture in common, so nothing decides between them: train them "
            "with the same --seed, or on data that names its test pictures"
        )
    detectors = [Detector(folder) for folder in folders]
    classes = detectors[0].labels
    for folder, detector in zip(folders, detectors, strict=True):
        if set(detector.labels) != set(classes):
            raise ConvlensError(f"{folder} knows other classes than {folders[0]}")
    truths = {key: held[-1][key].truth for key in shared}
    judged = [
        judge(
            [(truths[key], of_run[key].answer) for key in shared],
            {label: detector.rule.thresholds[detector.labels.index(label)] for label in classes},
        )
        for of_run, detector in zip(held, detectors, strict=True)
    ]
    values = ap50s(judged)
    best = int(values[:, 0].argmax())
    speeds = milliseconds(
        detectors, decoded(FileSource(held[0][key].path) for key in shared), progress=progress
    )
    contenders = []
    for number, folder in enumerate(folders):
        low, high = np.quantile(values[number, 1:], (0.025, 0.975))
        found, of_best = judged[number].found, judged[best].found
        contenders.append(
            contender(
                folder,
                detectors[number],
                value=float(values[number, 0]),
                interval=(float(low), float(high)),
                only=(len(found - of_best), len(of_best - found)),
                p=None if number == best else p_of(values[best], values[number]),
                speed=speeds[number],
            )
        )
    relabelled = sum(
        any(_differ(of_run[key].truth, truths[key]) for of_run in held) for key in shared
    )
    return Comparison(
        len(shared), in_order_of_merit(contenders), measure="AP50", relabelled=relabelled
    )


def _differ(one: Truth, other: Truth) -> bool:
    alike = one.labels == other.labels and np.array_equal(one.ignored, other.ignored)
    return not (alike and np.allclose(one.xyxy, other.xyxy, rtol=0, atol=NEAR))


def _held_out(folder: Path) -> dict[str, _Held]:
    """By content hash, what a run held out. Raises `ConvlensError` where it held nothing out."""
    catalog = read_boxes(folder / "manifest.csv")
    check_answers(folder)
    if catalog is None:
        raise ConvlensError(f"{folder / 'manifest.csv'} has no boxes: bring it back")
    judged = "test" if "test" in catalog.splits else "val"
    rows = catalog.rows_of(judged)
    hashes = {row["path"]: row["hash"] for row in read_csv(folder / "manifest.csv")}
    labels = Detector(folder).labels
    said: dict[str, list[dict[str, str]]] = {}
    for row in read_csv(folder / "predictions.csv"):
        said.setdefault(row["name"], []).append(row)
    held = {}
    for source, truth in zip(
        catalog.take(rows).sources, truths_of(catalog.take(rows)), strict=True
    ):
        path = absolute_url(source.name)
        answers = said.get(path, [])
        edges = [
            [float(row[edge]) for edge in ("left", "top", "right", "bottom")] for row in answers
        ]
        answer = BoxPrediction(
            path,
            labels=labels,
            boxes=np.array(edges, np.float32).reshape(-1, 4),
            scores=np.array([float(row["score"]) for row in answers], np.float32),
            classes=np.array([labels.index(row["predicted"]) for row in answers], np.int64),
        )
        held[hashes.get(path, path)] = _Held(path, truth, answer)
    return held
