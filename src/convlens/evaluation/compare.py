"""`convlens compare`: which run is better on the same held-out pictures, and at what cost."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from ..detector.detector import Detector
from ..errors import ConvlensError, UsageError
from ..files import given_path, read_csv, read_json, sound_record
from ..html_table import html_list, html_table
from ..pictures.decode import RGB
from ..pictures.readable import readable
from ..pictures.source import FileSource, Source
from ..progress import Progress
from ..tasks.intervals import mcnemar, wilson

TIMED = 20
"""Pictures that each detector answers, in turns, to be timed."""


@dataclass(frozen=True)
class Contender:
    """A run on the pictures that all runs held out.

    `only_this` and `only_best` count pictures that only this run, or only the most accurate one,
    gets right; `p` is McNemar's exact test of them, None for the most accurate run itself.
    `milliseconds` is the median for one decoded picture on one core.
    """

    run: str
    accuracy: float
    _: KW_ONLY
    accuracy_interval: tuple[float, float]
    only_this: int
    only_best: int
    p: float | None
    megabytes: float
    parameters: int
    multiplications: int
    train_seconds: float
    milliseconds: float | None


@dataclass(frozen=True)
class Comparison:
    """The contenders, the most accurate first, and the number of pictures that decide.

    `measure` is what their `accuracy` is: of detectors of boxes, AP50. So many pictures are
    `relabelled` between runs: for all, the labels count of the run that was last in the question.
    """

    pictures: int
    contenders: tuple[Contender, ...]
    measure: str = "accuracy"
    relabelled: int = 0

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return asdict(self)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The headings and the rows of a table of the contenders."""
        heads = ["run", self.measure, "95 % interval", "only this right", "only the first", "p"]
        rows = [
            [
                contender.run,
                f"{contender.accuracy:.2%}",
                f"{contender.accuracy_interval[0]:.1%} to {contender.accuracy_interval[1]:.1%}",
                "" if contender.p is None else f"{contender.only_this:,}",
                "" if contender.p is None else f"{contender.only_best:,}",
                "" if contender.p is None else f"{contender.p:.2g}",
                f"{contender.megabytes:.1f}",
                f"{contender.parameters:,}",
                "" if contender.milliseconds is None else f"{contender.milliseconds:.1f}",
                str(timedelta(seconds=round(contender.train_seconds))),
            ]
            for contender in self.contenders
        ]
        return [*heads, "MB", "parameters", "ms/picture", "trained"], rows

    def summary(self) -> list[str]:
        """What the table means, in sentences."""
        first, *others = self.contenders
        said = [f"on the {self.pictures:,} pictures that all of them held out"]
        if self.relabelled:
            said.append(
                f"{self.relabelled:,} of them are labelled otherwise in some: those of the last "
                "one that was asked about count"
            )
        for other in others:
            assert other.p is not None  # noqa: S101
            verdict = "is less accurate than" if other.p < 0.05 else "cannot be told from"
            name = "paired bootstrap" if self.measure == "AP50" else "McNemar's exact"
            test = f"{name} p = {other.p:.2g}"
            said.append(f"{other.run} {verdict} {first.run} ({test})")
        return said

    def _repr_html_(self) -> str:
        """For notebooks: the table, and what it means."""
        return html_table(*self.table()) + html_list(self.summary())


def compare(runs: Sequence[str | Path], progress: Progress = lambda *_: None) -> Comparison:
    """Compare finished runs on the pictures that all of them held out, told by their contents.

    Args:
        runs: The folders of two runs or more, or of what `export` made of them.
        progress: Is told how many pictures the detectors have been timed on, of how many.

    Returns:
        The runs, the most accurate first, each tested against the first.

    Raises:
        ConvlensError: The runs held no picture out in common, or one is not finished.

    Examples:
        >>> from convlens import compare
        >>> [contender.p for contender in compare(["runs/pictures", "runs/pictures"]).contenders]
        [None, 1.0]
    """
    if isinstance(runs, str | Path) or len(runs) < 2:
        raise UsageError("compare takes two runs or more")
    folders = [given_path(run) for run in runs]
    of_boxes = [_task(folder) == "boxes" for folder in folders]
    if any(of_boxes):
        if not all(of_boxes):
            raise ConvlensError("some of these runs are for boxes, and others for classes")
        from .compare_boxes import compare_boxes

        return compare_boxes(folders, progress=progress)
    answers = [_answers(folder) for folder in folders]
    shared = set.intersection(*(set(of_run) for of_run in answers))
    if not shared:
        raise ConvlensError(
            "these runs held out no picture in common, so nothing decides between them: train them "
            "with the same --seed, or on a folder or table that names its test pictures"
        )
    labels = {key: answers[-1][key].label for key in shared}
    right = [{key for key in shared if of_run[key].predicted == labels[key]} for of_run in answers]
    best = max(right, key=len)
    detectors = [Detector(folder) for folder in folders]
    pictures = decoded(FileSource(answers[0][key].path) for key in sorted(shared))
    speeds = milliseconds(detectors, pictures, progress=progress)
    contenders = [
        contender(
            folder,
            detector,
            value=len(own) / len(shared),
            interval=wilson(len(own), len(shared)),
            only=(len(own - best), len(best - own)),
            p=None if own is best else mcnemar(len(own - best), len(best - own)),
            speed=speed,
        )
        for folder, detector, own, speed in zip(folders, detectors, right, speeds, strict=True)
    ]
    relabelled = sum(any(of_run[key].label != labels[key] for of_run in answers) for key in shared)
    return Comparison(len(shared), in_order_of_merit(contenders), relabelled=relabelled)


def in_order_of_merit(contenders: Sequence[Contender]) -> tuple[Contender, ...]:
    """The best first, and of equals the one that the others are tested against."""
    return tuple(sorted(contenders, key=lambda one: (-one.accuracy, one.p is not None)))


def contender(
    folder: Path,
    detector: Detector,
    *,
    value: float,
    interval: tuple[float, float],
    only: tuple[int, int],
    p: float | None,
    speed: float | None,
) -> Contender:
    """A run with its figures: of the file as it is, and of the training as the run tells them."""
    metrics = folder / "metrics.json"
    record = read_json(metrics)
    with sound_record(metrics):
        parameters, seconds = int(record["training"]["parameters"]), sum(record["seconds"].values())
        of_run = record["training"]["multiplications"]
        multiplications = int(detector.metadata.get("multiplications", of_run))
    return Contender(
        run=str(folder),
        accuracy=value,
        accuracy_interval=interval,
        only_this=only[0],
        only_best=only[1],
        p=p,
        megabytes=detector.size / 1e6,
        parameters=parameters,
        multiplications=multiplications,
        train_seconds=seconds,
        milliseconds=speed,
    )


def _task(folder: Path) -> str:
    """The kind of a run's answers; what `export` made has no metrics of its own."""
    path = folder / "metrics.json"
    return str(read_json(path).get("task", "")) if path.exists() else ""


class _Answer(NamedTuple):
    """What a run said of a picture (`unsure` is never right), its label there, and its path."""

    predicted: str
    label: str
    path: str


def check_answers(folder: Path) -> None:
    """Raise a `ConvlensError` where nothing tells what a run answered."""
    if not (folder / "predictions.csv").exists():
        raise ConvlensError(
            f"{folder} has no predictions.csv: compare takes finished runs that held pictures out, "
            "and what export made of those; of a run that was judged by folds, the run itself"
        )


def _answers(folder: Path) -> dict[str, _Answer]:
    """The answers by content hash."""
    check_answers(folder)
    with sound_record(folder / "manifest.csv"):
        hashes = {row["path"]: row["hash"] for row in read_csv(folder / "manifest.csv")}
    answers = {}
    with sound_record(folder / "predictions.csv"):
        for row in read_csv(folder / "predictions.csv"):
            path = row["name"]
            answers[hashes.get(path, path)] = _Answer(row["predicted"], row["label"], path)
    return answers


def decoded(sources: Iterable[Source]) -> list[RGB]:
    """The first `TIMED` pictures of those that can be read."""
    return list(islice(readable(sources), TIMED))


def milliseconds(
    detectors: Sequence[Detector], pictures: Sequence[RGB], *, progress: Progress
) -> list[float | None]:
    """The median of each detector for one picture; None where there is none to be timed on.

    They take turns, so a slow moment falls on all of them.
    """
    seconds: list[list[float]] = [[] for _ in detectors]
    for done, picture in enumerate(pictures):
        for detector, times in zip(detectors, seconds, strict=True):
            begun = time.perf_counter()
            detector.outputs(picture)
            times.append(time.perf_counter() - begun)
        progress("timing detectors", done + 1, len(pictures))
    return [1000 * median(times) if times else None for times in seconds]
