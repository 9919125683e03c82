"""Runs that are killed at random moments and resumed, against one that never was.

    python torture/kills.py [--kills 50] [--seed 0]

A small run is killed by SIGKILL again and again, at moments drawn over its whole length: while the
pixels are stored, in a step, while a checkpoint is written, in the export. What comes out in the
end has to be the same bytes as that of a run that nobody touched.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

NETWORK = "conv 8 3x3 same, norm, pool 2, conv 16 3x3 same, norm, dropout 0.2, gap"
OPTIONS = ("--network", NETWORK, "--weights", "none", "--size", "32", "--batch", "16")
EXACT = (
    "--compute",
    "float32",
    "--threads",
    "1",
    "--optimizer",
    "auto",
    "--augment",
    "hflip,mixup,cutmix",
)
TIMES = 20.0
"""A run that goes on hangs where it takes so many times as long as the whole one did."""


def draw(folder: Path, count: int) -> Path:
    """Noise in two colours, in a folder per class."""
    for label, tint in (("red", (200, 60, 60)), ("blue", (60, 60, 200))):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            noise = np.random.default_rng([number, tint[0]]).integers(0, 256, (64, 64, 3))
            picture = (0.8 * noise + 0.2 * np.array(tint)).astype(np.uint8)
            Image.fromarray(picture).save(folder / label / f"{number}.png")
    return folder


def start(pictures: Path, out: Path, steps: int) -> list[str]:
    """The command that begins a run, or goes on with it."""
    base = [sys.executable, "-m", "convlens", "train"]
    if (out / "run.json").exists():
        return [*base, "--resume", str(out)]
    return [*base, str(pictures), "--out", str(out), "--steps", str(steps), *OPTIONS, *EXACT]


def run(
    command: list[str], cache: Path, kill_after: float | None, limit: float | None = None
) -> int | None:
    """The exit status; None where it was killed before its end. Longer than `limit` is a hang."""
    environment = {**os.environ, "CONVLENS_CACHE": str(cache), "PYTHONUNBUFFERED": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **quiet) as process:  # type: ignore[call-overload]
        try:
            _, error = process.communicate(timeout=kill_after or limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            if kill_after is None:
                sys.exit(f"FAILED: hangs (more than {limit:.0f} s): {' '.join(command)}")
            return None
    if process.returncode:
        sys.exit(f"FAILED: {' '.join(command)}\n{error.decode()}")
    status: int = process.returncode
    return status


def torture(kills: int, seed: int, pictures: int = 300, steps: int = 150) -> dict[str, int]:
    """Counts: kills, by what had been reached then, and runs that came to their end."""
    rng = random.Random(seed)
    counts = {"kills": 0, "before run.json": 0, "before a checkpoint": 0, "later": 0, "ends": 0}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        data = draw(home / "pictures", pictures)
        begun = time.monotonic()
        run(start(data, home / "whole", steps), home / "cache-whole", None)
        length = time.monotonic() - begun
        wanted = (home / "whole" / "detector.onnx").read_bytes()
        predictions = (home / "whole" / "predictions.csv").read_bytes()
        number = 0
        while counts["kills"] < kills:
            number += 1
            out, cache = home / f"run-{number}", home / f"cache-{number}"
            left = min(rng.randint(1, 4), kills - counts["kills"])
            while True:
                # the first kill comes at any moment, pixels and start included; later ones mostly
                # in training and in what follows it
                early = not (out / "run.json").exists()
                share = rng.uniform(0.2, 0.9) if early else rng.betavariate(2, 1.2)
                moment = length * share if left else None
                status = run(start(data, out, steps), cache, moment, TIMES * length)
                if status == 0:
                    break
                counts["kills"] += 1
                left -= 1
                reached = "before run.json"
                if (out / "run.json").exists():
                    stored = any((out / "checkpoint").glob("step-*.safetensors"))
                    reached = "later" if stored else "before a checkpoint"
                counts[reached] += 1
            counts["ends"] += 1
            if (out / "detector.onnx").read_bytes() != wanted:
                sys.exit(f"FAILED: run {number}: detector.onnx differs from the untouched run's")
            if (out / "predictions.csv").read_bytes() != predictions:
                sys.exit(f"FAILED: run {number}: predictions.csv differs")
            shutil.rmtree(cache)
            print(f"{counts}", flush=True)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"kills: {torture(arguments.kills, arguments.seed)}; every end was the same bytes")


if __name__ == "__main__":
    main()
