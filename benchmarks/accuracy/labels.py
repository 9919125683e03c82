"""How many flipped labels `inspect --labels` finds, and what training on them costs.

    python benchmarks/accuracy/labels.py [--pictures ../pictures/cats-dogs] [--share 0.05]
        [--train [--steps 0]]

Labels of a share of the pictures are flipped at random. With `--train`, four fifths are trained on
twice, flipped and as they were, and judged on the untouched rest. `--steps 0` leaves out the
attempt to fine-tune, which such small sets of photographs do not gain from.
"""

import argparse
import csv
import sys
import tempfile
from pathlib import Path

import numpy as np

from convlens.inspection.features import pretrained_features
from convlens.inspection.label_errors import label_issues

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.training import train_by_command


def write(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "split"))
        writer.writerows(rows)
    return path


def accuracy(table: Path, out: Path, *more: str) -> float:
    found: float = train_by_command(table, out, *more)["test"]["accuracy"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, default=Path("../pictures/cats-dogs"))
    parser.add_argument("--share", type=float, default=0.05, help="of labels that are flipped")
    parser.add_argument("--seeds", type=int, default=3, help="how often")
    parser.add_argument("--train", action="store_true", help="train on them, too")
    parser.add_argument("--steps", type=int, help="of training, instead of its default")
    asked = parser.parse_args()
    more = [] if asked.steps is None else ["--steps", str(asked.steps)]
    lost = []
    paths = sorted(asked.pictures.rglob("*.[jp][pn]g"))
    labels = [path.parent.name for path in paths]
    classes = sorted(set(labels))
    with tempfile.TemporaryDirectory() as place:
        for seed in range(asked.seeds):
            random = np.random.default_rng(seed)
            chosen = set(random.permutation(len(paths))[: round(asked.share * len(paths))].tolist())
            given = [
                classes[(classes.index(label) + 1) % len(classes)] if row in chosen else label
                for row, label in enumerate(labels)
            ]
            names = [str(path.absolute()) for path in paths]
            table = write(
                Path(place) / f"{seed}.csv", list(zip(names, given, [""] * len(names), strict=True))
            )
            named = label_issues(*pretrained_features(table, None, progress=lambda *_: None))
            found = {Path(one.name).absolute() for one in named}
            planted = {paths[row].absolute() for row in chosen}
            right = len(found & planted)
            print(
                f"seed {seed}: {len(planted)} flipped, {len(found)} named, {right} rightly: "
                f"recall {right / len(planted):.1%}, precision {right / len(found):.1%}",
                flush=True,
            )
            if asked.train:
                held = set(random.permutation(len(paths))[: len(paths) // 5].tolist())
                reached = []
                for what, those in (("as they were", labels), ("flipped", given)):
                    rows = [
                        (
                            name,
                            labels[n] if n in held else those[n],
                            "test" if n in held else "train",
                        )
                        for n, name in enumerate(names)
                    ]
                    table = write(Path(place) / f"{seed}-{what[:2]}.csv", rows)
                    reached.append(accuracy(table, Path(place) / f"{seed}-{what[:2]}", *more))
                    print(f"  trained on labels {what}: {reached[-1]:.2%}", flush=True)
                lost.append(100 * (reached[0] - reached[1]))
    if lost:
        print(f"lost: {np.mean(lost):.2f} points on average ({min(lost):.2f} to {max(lost):.2f})")


if __name__ == "__main__":
    main()
