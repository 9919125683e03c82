"""How many flipped labels `inspect --labels` finds, and what training on them costs.

    python benchmarks/accuracy/labels.py [--pictures ../pictures/cats-dogs] [--share 0.05]
        [--train [--steps 0]]

Labels of a share of the pictures are flipped at random. With `--train`, four fifths are trained on
twice, flipped and as they were, and judged on the untouched rest. `--steps 0` leaves out the
attempt to fine-tune, which such small sets of photographs do not gain from.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from convlens.inspection.features import pretrained_features
from convlens.inspection.label_errors import label_issues

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser
from shared.pictures import picture_paths, write_table
from shared.training import train_by_command


def flip_labels(labels: list[str], rows: set[int]) -> list[str]:
    """The labels, with those of some rows exchanged for the next class."""
    classes = sorted(set(labels))
    return [
        classes[(classes.index(label) + 1) % len(classes)] if row in rows else label
        for row, label in enumerate(labels)
    ]


def points_lost(
    paths: list[Path], truth: list[str], *, flipped: list[str], held: set[int], words: list[str]
) -> float:
    """Points of accuracy on the held-out rows that training on flipped labels loses."""
    accuracies = []
    with tempfile.TemporaryDirectory() as home:
        for name, given in (("as they were", truth), ("flipped", flipped)):
            rows = [
                (
                    path.absolute(),
                    truth[n] if n in held else given[n],
                    "test" if n in held else "train",
                )
                for n, path in enumerate(paths)
            ]
            table = write_table(Path(home) / f"{name}.csv", rows)
            metrics = train_by_command(table, Path(home) / name, *words)
            accuracies.append(metrics["test"]["accuracy"])
            print(f"  trained on labels {name}: {accuracies[-1]:.2%}", flush=True)
    before, after = accuracies
    return float(100 * (before - after))


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser, "cats-dogs")
    parser.add_argument("--share", type=float, default=0.05, help="of labels that are flipped")
    parser.add_argument("--seeds", type=int, default=3, help="how often labels are drawn")
    parser.add_argument("--train", action="store_true", help="train on them, too")
    parser.add_argument("--steps", type=int, help="of training, instead of its default")
    arguments = parser.parse_args()
    words = [] if arguments.steps is None else ["--steps", str(arguments.steps)]
    paths = picture_paths(arguments.pictures)
    labels = [path.parent.name for path in paths]
    lost = []
    for seed in range(arguments.seeds):
        random = np.random.default_rng(seed)
        planted = set(
            random.permutation(len(paths))[: round(arguments.share * len(paths))].tolist()
        )
        flipped = flip_labels(labels, planted)
        with tempfile.TemporaryDirectory() as home:
            rows = [(p.absolute(), label, "") for p, label in zip(paths, flipped, strict=True)]
            table = write_table(Path(home) / "flipped.csv", rows)
            issues = label_issues(*pretrained_features(table, None, progress=lambda *_: None))
        named = {Path(issue.name).absolute() for issue in issues}
        right = len(named & {paths[row].absolute() for row in planted})
        print(
            f"seed {seed}: {len(planted)} flipped, {len(named)} named, {right} rightly: "
            f"recall {right / len(planted):.1%}, precision {right / len(named):.1%}",
            flush=True,
        )
        if arguments.train:
            held = set(random.permutation(len(paths))[: len(paths) // 5].tolist())
            lost.append(points_lost(paths, labels, flipped=flipped, held=held, words=words))
    if lost:
        print(f"lost: {np.mean(lost):.2f} points on average ({min(lost):.2f} to {max(lost):.2f})")


if __name__ == "__main__":
    main()
