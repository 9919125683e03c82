"""The example runs to its end, on a few made cells in the form of the package that it takes."""

import csv
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from helpers import save_shapes

EXAMPLE = Path(__file__).parents[1] / "examples" / "solar_cells.py"
PROBABILITIES = {"disc": ("0.0", "0.3333"), "cross": ("0.6667", "1.0")}


def made_package(folder: Path, count: int) -> Path:
    """`elpv_dataset` with so many discs for sound cells, and crosses for defective ones."""
    package = folder / "elpv_dataset"
    images = save_shapes(package / "data" / "images", count)
    lines = []
    for kind, probabilities in PROBABILITIES.items():
        for number, file in enumerate(sorted((images / kind).iterdir())):
            shutil.move(file, images / f"{kind}{number}.png")
            lines.append(f"images/{kind}{number}.png  {probabilities[number % 2]}  mono\n")
    (package / "__init__.py").write_text("")
    (package / "data" / "labels.csv").write_text("".join(lines))
    return folder


@pytest.mark.trains
def test_the_demo_trains_judges_and_predicts_what_it_held_out(tmp_path: Path) -> None:
    installed = made_package(tmp_path / "installed", count=20)
    path = os.pathsep.join((str(installed), os.environ.get("PYTHONPATH", "")))
    process = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "DEMO_MINUTES": "0.2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    with (tmp_path / "runs" / "solar-cells" / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} == {"sound", "defective"}
    unseen = {row["path"] for row in rows if row["split"] == "test"}
    lines = process.stdout.partition("=== 4.")[2].splitlines()
    predicted = [line.split() for line in lines if line.startswith(("sound", "defective"))]
    kinds = Counter(Path(words[-1]).stem.rstrip("0123456789") for words in predicted)
    assert kinds == {"disc": 2, "cross": 2}
    assert {words[-1] for words in predicted} <= unseen
