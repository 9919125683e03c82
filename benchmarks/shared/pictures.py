"""Which pictures the scripts use, and the tables that they write of them."""

import csv
import random
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

Labelled = list[tuple[str, str]]
"""Path and label of each picture."""


def picture_paths(folder: Path) -> list[Path]:
    """All JPEG and PNG pictures below a folder, in order."""
    return sorted(folder.rglob("*.[jp][pn]g"))


def shuffled_jpegs(folder: Path, count: int) -> list[Path]:
    """Some of a folder's JPEG pictures, the same ones each time."""
    paths = sorted(folder.rglob("*.jp*g"))
    random.Random(0).shuffle(paths)
    return paths[:count]


def solar_cells() -> Path | None:
    """The folder `data` of the package `elpv-dataset`; None where it is not installed."""
    spec = find_spec("elpv_dataset")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "data"


def labelled_solar_cells() -> Labelled:
    """The solar cells: those that experts called defective with 0 or 1/3 count as functional."""
    data = solar_cells()
    if data is None:
        sys.exit("the solar cells are not installed: pip install elpv-dataset")
    lines = [line.split() for line in (data / "labels.csv").read_text().splitlines()]
    return [
        (str(data / name), "defective" if float(share) > 0.5 else "functional")
        for name, share, _ in lines
    ]


def drawn(pictures: Labelled, most: int | None, *, seed: int) -> Labelled:
    """At most so many of them, in their order; all for None."""
    chosen = np.random.default_rng(seed).permutation(len(pictures))[:most]
    return [pictures[k] for k in sorted(chosen.tolist())]


def write_table(path: Path, rows: Iterable[tuple[object, str, str]]) -> Path:
    """A CSV of (path, label, split), which `convlens train` reads."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "split"))
        writer.writerows(rows)
    return path


def held_out_pictures(run: Path, split: str = "test") -> Labelled:
    """Path and label of each picture that a run did not learn from."""
    with (run / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    return [(row["path"], row["label"]) for row in rows]
