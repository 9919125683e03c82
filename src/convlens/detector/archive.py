"""A large archive's answers: a table for each shard, whole or not there, so nothing is twice."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import ConvlensError, UsageError
from ..files import read_json, saying_where, write_whole
from .detector import Detector, Prediction
from .predict import Share, find_units, pictures_in

RECORD = "archive.json"


@dataclass(frozen=True)
class Labelled:
    """Shards answered now, and before; pictures of those now, and how many were unreadable."""

    shards: int
    before: int
    _: KW_ONLY
    pictures: int
    unreadable: int


def headings(labels: tuple[str, ...]) -> list[str]:
    """The columns of a table of answers."""
    return ["name", "predicted", "probability", "strangeness", "error", *(f"p:{k}" for k in labels)]


def cells(row: Prediction, labels: tuple[str, ...]) -> list[Any]:
    """A prediction's row in it; where there is no answer, its error and empty cells."""
    if row.error is not None:
        return [row.name, "", "", "", row.error, *("" for _ in labels)]
    every = dict(row.top(len(labels)))
    strangeness = "" if row.strangeness is None else row.strangeness
    return [row.name, row.predicted, row.probability, strangeness, "", *(every[k] for k in labels)]


def predict_shards(
    detector: str | Path | Detector,
    paths: str | Path | Iterable[str | Path],
    *,
    out: str | Path,
    share: Share = (0, 1),
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Labelled:
    """Write `NAME.csv` into the folder `out` for each `NAME.tar`, and pass over those there.

    A table is written when its shard has come to its end, so a run that was stopped goes on, with
    as many processes as one likes: each takes part k of n in `share`, from 0, in whole shards.
    Raises `ConvlensError` where a shard is damaged, or the folder has another detector's answers.
    """
    detector = detector if isinstance(detector, Detector) else Detector(detector)
    several = [paths] if isinstance(paths, str | Path) else paths
    folder = Path(out)
    shards: dict[str, str] = {}
    for unit in find_units(several):
        if not isinstance(unit, str):
            raise UsageError(f"--out takes shards, and {unit.name} is none: leave --out away")
        name = PurePosixPath(unit).stem
        if shards.setdefault(name, unit) != unit:
            raise UsageError(f"--out: {shards[name]} and {unit} have one name: give another folder")
    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    _same_detector(folder / RECORD, detector)
    number, count = share
    mine = list(shards.items())[number::count]
    left = [(name, place) for name, place in mine if not (folder / f"{name}.csv").exists()]
    pictures = unreadable = 0
    for done, (name, place) in enumerate(left):
        progress("answering shards", done, len(left))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(headings(detector.labels))
        for row in detector.predict(pictures_in(place)):
            writer.writerow(cells(row, detector.labels))
            pictures += 1
            unreadable += row.error is not None
        write_whole(folder / f"{name}.csv", text.getvalue())
    progress("answering shards", len(left), len(left))
    return Labelled(len(left), len(mine) - len(left), pictures=pictures, unreadable=unreadable)


def _same_detector(path: Path, detector: Detector) -> None:
    """Note whose answers the folder has. Raises `ConvlensError` where they are another's."""
    if not path.exists():
        write_whole(path, f'{{"detector": "{detector.digest}"}}\n')
    if read_json(path).get("detector") != detector.digest:
        raise ConvlensError(
            f"{path.parent} has the answers of another detector: give another --out"
        )
