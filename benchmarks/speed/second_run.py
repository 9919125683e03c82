"""Seconds from the command to the first training step, with an empty cache and with a filled one.

    python benchmarks/speed/second_run.py PICTURES [--rounds 3] [OPTION OF TRAIN …]

Each training is stopped once it has begun.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser


def seconds_to_begin(pictures: str, out: Path, *, cache: Path, options: list[str]) -> float:
    """Until the run writes its first event, just before the first step."""
    command = [sys.executable, "-m", "convlens", "train", pictures, "--out", str(out), *options]
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, "CONVLENS_CACHE": str(cache)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    events = out / "events.jsonl"
    while not events.exists():
        if process.poll() is not None:
            sys.exit(f"it ended with status {process.returncode} before the first step")
        time.sleep(0.01)
    taken = time.perf_counter() - begun
    process.kill()
    process.wait()
    return taken


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("pictures")
    parser.add_argument("--rounds", type=int, default=3)
    arguments, train_options = parser.parse_known_args()
    pictures = arguments.pictures
    first, second = [], []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(folder) / "cache"
            first.append(
                seconds_to_begin(pictures, Path(folder) / "a", cache=cache, options=train_options)
            )
            second.append(
                seconds_to_begin(pictures, Path(folder) / "b", cache=cache, options=train_options)
            )
    for name, taken in (("first run", first), ("second run", second)):
        each = ", ".join(f"{t:.1f}" for t in taken)
        print(f"{name:10} {statistics.median(taken):6.1f} s to the first step  ({each})")


if __name__ == "__main__":
    main()
