"""Whether the way to compute moves accuracy: the same trainings by each, over seeds.

    python benchmarks/accuracy/precision.py PICTURES [--ways float32 bfloat16-last-products] \\
        [--seeds 3] -- --preset quick --steps 80

Trains with each way in turn, with whatever options of `convlens train` stand behind `--`, and tells
each way's accuracies on the held-out pictures (a seed has the same ones for every way), and the
mean difference from the first way, with its standard error over the seeds.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.training import train_by_command


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--ways", nargs="+", default=["float32", "bfloat16-last-products"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("options", nargs="*", help="behind --, for convlens train")
    asked = parser.parse_args()
    found: dict[str, list[float]] = {way: [] for way in asked.ways}
    for seed in range(asked.seeds):
        for way, seen in found.items():
            words = [*asked.options, "--seed", str(seed), "--compute", way]
            with tempfile.TemporaryDirectory() as home:
                metrics = train_by_command(asked.pictures, Path(home) / "run", *words)
            seen.append(100 * metrics["test"]["accuracy"])
            print(f"seed {seed}  {way:24} {seen[-1]:.1f} %", flush=True)
    first = found[asked.ways[0]]
    for way, seen in found.items():
        by = [b - a for a, b in zip(first, seen, strict=True)]
        error = statistics.stdev(by) / len(by) ** 0.5 if len(by) > 1 else float("nan")
        print(f"{way:24} {statistics.mean(seen):.2f} %, {statistics.mean(by):+.2f} ± {error:.2f}")


if __name__ == "__main__":
    main()
