"""Whether the way to compute moves accuracy: the same trainings by each, over seeds.

    python benchmarks/accuracy/precision.py PICTURES [--ways float32 bfloat16-last-products] \\
        [--seeds 3] -- --preset quick --steps 80

Trains with each way in turn, with whatever options of `convlens train` stand behind `--`, and tells
each way's accuracies on the held-out pictures (a seed has the same ones for every way), and the
mean difference from the first way, with its standard error over the seeds.
"""

import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import script_parser
from shared.training import train_by_command


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--ways", nargs="+", default=["float32", "bfloat16-last-products"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("options", nargs="*", help="behind --, for convlens train")
    arguments = parser.parse_args()
    accuracies: dict[str, list[float]] = {way: [] for way in arguments.ways}
    for seed in range(arguments.seeds):
        for way, percent in accuracies.items():
            words = [*arguments.options, "--seed", str(seed), "--compute", way]
            with tempfile.TemporaryDirectory() as home:
                metrics = train_by_command(arguments.pictures, Path(home) / "run", *words)
            percent.append(100 * metrics["test"]["accuracy"])
            print(f"seed {seed}  {way:24} {percent[-1]:.1f} %", flush=True)
    first = accuracies[arguments.ways[0]]
    for way, percent in accuracies.items():
        gains = [b - a for a, b in zip(first, percent, strict=True)]
        error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
        mean, gain = statistics.mean(percent), statistics.mean(gains)
        print(f"{way:24} {mean:.2f} %, {gain:+.2f} ± {error:.2f}")


if __name__ == "__main__":
    main()
