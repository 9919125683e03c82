"""Which of several detectors of boxes is better, on the pictures that all of them held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..detector.detector import Detector
from ..errors import ConvlensError
from ..files import read_csv, read_json, sound_record
from ..pictures.boxes.read import read_boxes
from ..pictures.source import FileSource
from ..progress import Progress
from ..tasks.boxes.matching import Matches, Truth, average_precision, match
from ..tasks.boxes.prediction import BoxPrediction
from ..tasks.boxes.truth import truths_of
from .compare import Comparison, Contender, decoded, milliseconds

DRAWS = 1000
"""Times that the pictures are drawn anew (paired bootstrap, Efron 1979)."""


class _Held(NamedTuple):
    """A picture that a run held out: its path, its objects, and what the run said."""

    path: str
    truth: Truth
    answer: BoxPrediction


class _Judged(NamedTuple):
    """A run on the shared pictures [n]: matches by class, and objects found by its rule."""

    matches: dict[str, list[Matches]]
    found: set[tuple[str, int]]


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
    judged = [
        _judge([of_run[key] for key in shared], shared, detector=detector)
        for of_run, detector in zip(held, detectors, strict=True)
    ]
    objects = {
        label: [
            sum(of == label for of, out in _pairs(held[0][key].truth) if not out) for key in shared
        ]
        for label in classes
    }
    everything = np.arange(len(shared))
    random = np.random.default_rng(0)
    draws = [everything, *random.integers(0, len(shared), (DRAWS, len(shared)))]
    values = np.array([[_ap50(one, objects, rows) for rows in draws] for one in judged])
    best = int(values[:, 0].argmax())
    speeds = milliseconds(
        detectors, decoded(FileSource(held[0][key].path) for key in shared), progress=progress
    )
    contenders = []
    for number, folder in enumerate(folders):
        low, high = np.quantile(values[number, 1:], (0.025, 0.975))
        worse = (values[best, 1:] <= values[number, 1:]).mean()
        found, of_best = judged[number].found, judged[best].found
        training = _training(folder)
        contenders.append(
            Contender(
                run=str(folder),
                accuracy=float(values[number, 0]),
                accuracy_interval=(float(low), float(high)),
                only_this=len(found - of_best),
                only_best=len(of_best - found),
                p=None if number == best else min(1.0, 2 * float(worse)),
                megabytes=detectors[number].size / 1e6,
                parameters=int(training["parameters"]),
                multiplications=int(training["multiplications"]),
                train_seconds=training["seconds"],
                milliseconds=speeds[number],
            )
        )
    contenders.sort(key=lambda contender: (-contender.accuracy, contender.p is not None))
    return Comparison(len(shared), tuple(contenders), measure="AP50")


def _training(folder: Path) -> dict[str, float]:
    metrics = folder / "metrics.json"
    record = read_json(metrics)
    with sound_record(metrics):
        names = ("parameters", "multiplications", "seconds")
        return {name: float(record["training"][name]) for name in names}


def _pairs(truth: Truth) -> list[tuple[str, bool]]:
    return list(zip(truth.labels, truth.ignored.tolist(), strict=True))


def _held_out(folder: Path) -> dict[str, _Held]:
    """By content hash, what a run held out. Raises `ConvlensError` where it held nothing out."""
    catalog = read_boxes(folder / "manifest.csv")
    if catalog is None or not (folder / "predictions.csv").exists():
        raise ConvlensError(
            f"{folder} has no predictions.csv: compare takes finished runs that held pictures out"
        )
    judged = "test" if "test" in catalog.splits else "val"
    rows = [row for row, split in enumerate(catalog.splits) if split == judged]
    hashes = {row["path"]: row["hash"] for row in read_csv(folder / "manifest.csv")}
    labels = Detector(folder).labels
    said: dict[str, list[dict[str, str]]] = {}
    for row in read_csv(folder / "predictions.csv"):
        said.setdefault(str(Path(row["name"]).absolute()), []).append(row)
    held = {}
    for source, truth in zip(
        catalog.take(rows).sources, truths_of(catalog.take(rows)), strict=True
    ):
        path = str(Path(source.name).absolute())
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


def _judge(held: Sequence[_Held], keys: Sequence[str], *, detector: Detector) -> _Judged:
    matches: dict[str, list[Matches]] = {label: [] for label in detector.labels}
    found: set[tuple[str, int]] = set()
    least = dict(zip(detector.labels, detector.rule.thresholds, strict=True))
    for key, (_, truth, answer) in zip(keys, held, strict=True):
        for label, own in matches.items():
            own.append(match(answer, truth, label))
            sure = match(answer, truth, label, least=least[label]).objects
            found |= {(key, index) for index in sure.tolist() if index >= 0}
    return _Judged(matches, found)


def _ap50(judged: _Judged, objects: dict[str, list[int]], rows: npt.NDArray[np.int64]) -> float:
    """The mean over the classes that these pictures show."""
    of_classes = [
        average_precision([own[row] for row in rows], sum(objects[label][row] for row in rows))
        for label, own in judged.matches.items()
    ]
    known = [value for value in of_classes if not np.isnan(value)]
    return float(np.mean(known)) if known else 0.0
