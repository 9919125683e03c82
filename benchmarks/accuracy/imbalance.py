"""What `--balance auto` gives the smaller class at 95 to 5, against counting every picture alike.

    python benchmarks/accuracy/imbalance.py [--pictures ../pictures/cats-dogs] [--draws 5]
        [OPTION …]

190 pictures of the one class and 10 of the other are drawn and trained on; all others are held out.
Both figures come from the same detector's probabilities, under the one rule and under the other.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser
from shared.pictures import picture_paths, write_table
from shared.training import train_by_command


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser, "cats-dogs")
    parser.add_argument("--draws", type=int, default=5)
    arguments, options = parser.parse_known_args()
    by_class: dict[str, list[str]] = {}
    for path in picture_paths(arguments.pictures):
        by_class.setdefault(path.parent.name, []).append(str(path.absolute()))
    common, rare = sorted(by_class)
    rows: list[tuple[float, ...]] = []
    with tempfile.TemporaryDirectory() as home:
        for draw in range(arguments.draws):
            random = np.random.default_rng(draw)
            drawn = [
                (path, label, "train" if n < count else "test")
                for label, count in ((common, 190), (rare, 10))
                for n, path in enumerate(random.permutation(by_class[label]))
            ]
            table = write_table(Path(home) / f"{draw}.csv", drawn)
            metrics = train_by_command(table, Path(home) / str(draw), "--seed", str(draw), *options)
            rows.append(
                tuple(
                    value
                    for under_rule in (metrics["plain"], metrics["test"])
                    for value in (
                        under_rule["per_class"][rare]["recall"],
                        under_rule["per_class"][common]["recall"],
                        under_rule["balanced_accuracy"],
                    )
                )
            )
            shown = ", ".join(f"{value:.2%}" for value in rows[-1])
            print(f"draw {draw}: {shown}", flush=True)
    means = np.mean(rows, axis=0)
    for how, (few, many, both) in zip(("off", "auto"), means.reshape(2, 3), strict=True):
        print(
            f"--balance {how}: finds {few:.1%} of {rare} and {many:.1%} of {common}; balanced "
            f"accuracy {both:.1%} (means of {len(rows)} draws)"
        )


if __name__ == "__main__":
    main()
