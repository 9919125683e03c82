"""What `suggest` gains over chance: accuracy by number of labelled pictures.

    python benchmarks/accuracy/suggest.py [--pictures ../pictures/cats-dogs] [--seeds 10]

By heads on pretrained features: 20 labelled pictures, then 20 more at a time, those that the head
is least sure of (as `suggest` chooses) or chance ones; accuracy on a fifth held out.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from convlens.inspection.features import pretrained_features
from convlens.tasks.classification.prediction import margin
from convlens.transfer.head import FeatureSet, Head

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser
from shared.heads import accuracy, fit_head

STEP, MOST = 20, 160

Rows = npt.NDArray[np.int64]


def least_sure(head: Head, features: FeatureSet, rows: Rows) -> list[int]:
    """The rows with the smallest margin between the two likeliest classes."""
    probabilities = head.logits(features.pooled(torch.from_numpy(rows))).softmax(1)
    margins = np.array([margin(row) for row in probabilities.numpy()])
    chosen: list[int] = rows[np.argsort(margins, kind="stable")[:STEP]].tolist()
    return chosen


def accuracies(features: FeatureSet, classes: int, *, seed: int, suggested: bool) -> list[float]:
    """Accuracy with 20, 40, … labelled pictures."""
    random, n = np.random.default_rng(seed), len(features.labels)
    mixed = random.permutation(n)
    judged, pool = features.take(torch.from_numpy(mixed[: n // 5])), mixed[n // 5 :]
    labelled, reached = list(pool[:STEP]), []
    while True:
        head = fit_head(features.take(torch.tensor(labelled)), classes)
        reached.append(accuracy(head, judged))
        if len(labelled) >= MOST:
            return reached
        left = np.setdiff1d(pool, labelled)
        if suggested:
            labelled += least_sure(head, features, left)
        else:
            labelled += random.permutation(left)[:STEP].tolist()


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser, "cats-dogs")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    dataset, features = pretrained_features(arguments.pictures, None, progress=lambda *_: None)
    classes = len(dataset.classes)
    for name, suggested in (("suggested", True), ("by chance", False)):
        curves = [
            accuracies(features, classes, seed=seed, suggested=suggested)
            for seed in range(arguments.seeds)
        ]
        means = zip(range(STEP, MOST + 1, STEP), np.mean(curves, axis=0), strict=True)
        print(f"{name}: " + ", ".join(f"{count}: {100 * mean:.2f} %" for count, mean in means))


if __name__ == "__main__":
    main()
