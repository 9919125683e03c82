"""From nothing to a detector: solar cells, sound or defective, seen in their own light.

Run it with `make demo`. It takes the pictures of the package `elpv-dataset` from where pip put
them (nothing is copied into the repository), writes a table of them, trains, judges and predicts,
and says what it does as it goes.
"""

import csv
import os
import shlex
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

MINUTES = os.environ.get("DEMO_MINUTES", "5")
HELD_OUT = "0.2"
OUT = Path(os.environ.get("DEMO_OUT", "runs/solar-cells"))

ABOUT = """\
The pictures: 2,624 electroluminescence images of solar cells, 300×300, cut from 44 modules.
  Buerhop-Lutz, Deitsch et al., "A Benchmark for Visual Identification of Defective Solar Cells in
  Electroluminescence Imagery", 2018; package elpv-dataset, licence CC BY-NC-SA 4.0
  (non-commercial, share alike): fetched by pip, never part of convlens.
The labels: experts gave each cell a probability of being defective: 0, 1/3, 2/3 or 1.
  Here 0 and 1/3 count as sound, 2/3 and 1 as defective.
Mind: which cells came from one module is not recorded, so cells of one module can stand in
  several splits, and the accuracy on a module never seen may be lower than the one below.
For context: Deitsch et al. (2019) report 88.4 % with a fine-tuned VGG-19, on a split of their own;
  the split here is another, so the two figures do not compare."""


def say(text: str) -> None:
    """A line of the demo's own."""
    print(f"\n=== {text}", flush=True)


def convlens(*words: object) -> None:
    """Show a command, then run it."""
    line = ["convlens", *map(str, words)]
    print(f"$ {shlex.join(line)}", flush=True)
    subprocess.run([sys.executable, "-m", *line], check=True)


def write_table(data: Path, table: Path) -> int:
    """A CSV of paths and labels; returns how many. `labels.csv` holds path, probability, type."""
    table.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label"))
        for line in (data / "labels.csv").read_text().splitlines():
            name, probability, _ = line.split()
            count += 1
            writer.writerow((data / name, "defective" if float(probability) > 0.5 else "sound"))
    return count


def held_out(manifest: Path) -> list[str]:
    """Paths of two held-out pictures of each class."""
    with manifest.open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    labels = sorted({row["label"] for row in rows})
    return [row["path"] for label in labels for row in [r for r in rows if r["label"] == label][:2]]


def main() -> None:
    """The demo."""
    begun = time.monotonic()
    spec = find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        sys.exit("the pictures are not installed: pip install elpv-dataset")
    say("1. Real pictures")
    print(ABOUT)
    table = OUT.parent / "solar-cells.csv"
    count = write_table(Path(spec.origin).parent / "data", table)
    print(f"A table of {count:,} paths and labels: {table}")

    say("2. Train: one command, from the table to a detector in one file")
    number, out = 1, OUT
    while out.exists():
        number += 1
        out = OUT.with_name(f"{OUT.name}-{number}")
    convlens("train", table, "--out", out, "--minutes", MINUTES, "--test-fraction", HELD_OUT)

    say("3. Judge it on the cells that it held out: the same figures, from the file alone")
    convlens("evaluate", out / "detector.onnx", out / "manifest.csv")

    say("4. Predict: what is in these pictures? (two of each class that it never saw)")
    convlens("predict", out / "detector.onnx", *held_out(out / "manifest.csv"))

    say(f"Done in {(time.monotonic() - begun) / 60:.1f} minutes")
    print(f"Look at {out / 'report.html'} in a browser. Then your own pictures:")
    print(f"  {Path(sys.executable).parent / 'convlens'} train FOLDER-WITH-ONE-FOLDER-PER-CLASS")


if __name__ == "__main__":
    main()
