"""What `--balance auto` gives the smaller class at 95 to 5, against counting every picture alike.

    python benchmarks/accuracy/imbalance.py [--pictures ../pictures/cats-dogs] [--draws 5]
        [OPTION …]

190 pictures of the one class and 10 of the other are drawn and trained on; all others are held out.
Both figures come from the same detector's probabilities, under the one rule and under the other.
"""

import argparse
import csv
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.training import train_by_command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, default=Path("../pictures/cats-dogs"))
    parser.add_argument("--draws", type=int, default=5)
    asked, options = parser.parse_known_args()
    by_class: dict[str, list[str]] = {}
    for path in sorted(asked.pictures.rglob("*.[jp][pn]g")):
        by_class.setdefault(path.parent.name, []).append(str(path.absolute()))
    common, rare = sorted(by_class)
    rows: list[tuple[float, ...]] = []
    with tempfile.TemporaryDirectory() as place:
        for draw in range(asked.draws):
            random = np.random.default_rng(draw)
            table, out = Path(place) / f"{draw}.csv", Path(place) / str(draw)
            with table.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("path", "label", "split"))
                for label, count in ((common, 190), (rare, 10)):
                    for n, path in enumerate(random.permutation(by_class[label])):
                        writer.writerow((path, label, "train" if n < count else "test"))
            metrics = train_by_command(table, out, "--seed", str(draw), *options)
            rows.append(
                tuple(
                    value
                    for one in (metrics["plain"], metrics["test"])
                    for value in (
                        one["per_class"][rare]["recall"],
                        one["per_class"][common]["recall"],
                        one["balanced_accuracy"],
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
