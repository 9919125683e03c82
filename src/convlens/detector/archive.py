"""A large archive's answers: a table for each shard, whole or not there, so nothing is twice."""

import csv
import io
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path, PurePosixPath

from ..errors import ConvlensError, UsageError
from ..files import given_path, read_json, saying_where, write_whole
from ..pictures.source import is_picture_name
from ..progress import Progress
from ..windows import file_name
from .detector import Detector, opened
from .inputs import Share, find_units, pictures_in

RECORD = "archive.json"


@dataclass(frozen=True)
class ArchivePredictions:
    """How many shards and pictures were answered."""

    shards: int
    """Answered now."""
    earlier: int
    """Shards that had a table already."""
    _: KW_ONLY
    pictures: int
    """In the shards that were answered now."""
    unreadable: int
    """Pictures of these."""


def predict_shards(
    detector: str | Path | Detector,
    paths: str | Path | Iterable[str | Path],
    *,
    out: str | Path,
    share: Share = (0, 1),
    progress: Progress = lambda *_: None,
) -> ArchivePredictions:
    """Write `NAME.csv` into the folder `out` for each `NAME.tar`, and pass over those there.

    A table is written when its shard has come to its end, so a run that was stopped goes on, with
    as many processes as one likes.

    Args:
        detector: A detector, its file, or its run folder.
        paths: Shards: a folder, pattern or URL of `.tar` files, or several of them.
        out: The folder for the tables; it is made where it is not there.
        share: (k, n) for part k of n of the shards, from 0: each process takes another part.
        progress: Is told how many shards are done, of how many.

    Returns:
        How many shards and pictures were answered, and what was passed over.

    Raises:
        ConvlensError: A shard is damaged, or the folder has another detector's answers.
        UsageError: A path is no shard, or two shards have one name.

    Examples:
        >>> from convlens import predict_shards
        >>> predict_shards("runs/pictures", "shards/", out="answers/").pictures
        160
    """
    detector = opened(detector)
    folder = given_path(out)
    shards: dict[str, str] = {}
    for unit in find_units(paths):
        if not isinstance(unit, str):
            if not is_picture_name(unit.name):
                continue  # what lies beside shards, such as answers from before
            raise UsageError(f"--out takes shards, and {unit.name} is none: leave --out away")
        name = file_name(PurePosixPath(unit).stem)
        if shards.setdefault(name, unit) != unit:
            raise UsageError(f"--out: {shards[name]} and {unit} have one name: give another folder")
    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    _same_detector(folder / RECORD, detector)
    number, count = share
    own = list(shards.items())[number::count]
    left = [(name, url) for name, url in own if not (folder / f"{name}.csv").exists()]
    pictures = unreadable = 0
    for done, (name, url) in enumerate(left):
        progress("answering shards", done, len(left))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(detector.task.columns(detector.labels))
        for prediction in detector.predict_many(pictures_in(url)):
            writer.writerows(detector.task.rows(prediction))
            pictures += 1
            unreadable += prediction.error is not None
        write_whole(folder / f"{name}.csv", text.getvalue())
    progress("answering shards", len(left), len(left))
    return ArchivePredictions(
        len(left), len(own) - len(left), pictures=pictures, unreadable=unreadable
    )


def _same_detector(path: Path, detector: Detector) -> None:
    """Note whose answers the folder has. Raises `ConvlensError` where they are another's."""
    if not path.exists():
        write_whole(path, f'{{"detector": "{detector.digest}"}}\n')
    if read_json(path).get("detector") != detector.digest:
        raise ConvlensError(
            f"{path.parent} has the answers of another detector: give another --out"
        )
