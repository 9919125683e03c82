"""How well boxes are learnt: each set in its minutes, on pictures that played no part in it.

    python benchmarks/accuracy/boxes.py --pictures ../pictures [--sets blood-cells] [--seeds 3]

Each run is `convlens train PICTURES --minutes M --seed S`, as a user gives it. Where the data names
no held-out part, a fifth is held out by the seed; where it does, that part is. Prints a line for
each run as it ends, and the mean of each set with the range over its runs.
"""

import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parents[1]))
from convlens.engine.compute.execution import processor
from shared.arguments import add_pictures, script_parser
from shared.training import train_by_command

SETS = {"blood-cells": 10, "pedestrians": 15, "steel": 30}
"""Minutes of each."""


def main() -> None:
    """Train and tell."""
    parser = script_parser(__doc__)
    add_pictures(parser)
    parser.add_argument("--sets", default=",".join(SETS), help=f"of {', '.join(SETS)}")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each [1]")
    arguments = parser.parse_args()
    print(processor())
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for name in arguments.sets.split(","):
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory() as folder:
                run = Path(folder) / "run"
                begun = time.perf_counter()
                options = ("--minutes", str(SETS[name]), "--seed", str(seed))
                test = train_by_command(arguments.pictures / name, run, *options)["test"]
                minutes = (time.perf_counter() - begun) / 60
            found[name].append(test)
            low, high = test["AP50_interval"]
            print(
                f"{name:12} seed {seed}  {test['n']:4} pictures {test['objects']:5} objects  "
                f"AP50 {test['AP50']:.3f} ({low:.3f} to {high:.3f})  AP {test['AP']:.3f}  "
                f"counts right {test['counts_right']:.2f}  {minutes:.1f} min",
                flush=True,
            )
    for name, tests in found.items():
        values = [test["AP50"] for test in tests]
        print(
            f"{name:12} mean AP50 {mean(values):.3f} ({min(values):.3f} to {max(values):.3f}), "
            f"AP {mean(test['AP'] for test in tests):.3f}"
        )


if __name__ == "__main__":
    main()
