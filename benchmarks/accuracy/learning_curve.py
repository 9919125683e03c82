"""What `inspect --more` foretells against what comes.

    python benchmarks/accuracy/learning_curve.py [--pictures ../pictures/cats-dogs] [--seeds 10]

By heads on pretrained features: the error foretold after learning from 2 and 4 times the pictures
that the curve was measured with, against that of a head that did, judged by pictures that neither
saw.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from convlens.inspection.features import pretrained_features
from convlens.inspection.learning_curve import learning_curve

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser
from shared.heads import accuracy, fit_head


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser, "cats-dogs")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    dataset, features = pretrained_features(arguments.pictures, None, progress=lambda *_: None)
    classes, n = len(dataset.classes), len(features.labels)
    for count in (n // 16, n // 8, n // 5):
        inside, errors = 0, []
        for seed in range(arguments.seeds):
            order = torch.from_numpy(np.random.default_rng(seed).permutation(n))
            curve = learning_curve(features.take(order[:count]), classes, seed=seed)
            for point in curve.expected:
                head = fit_head(features.take(order[: point.pictures]), classes)
                error = 1 - accuracy(head, features.take(order[point.pictures :]))
                low, high = point.interval
                inside += low <= error <= high
                errors.append((point.error, error))
        foretold, came = np.mean(errors, axis=0)
        print(
            f"from {count:,} pictures: foretold error {foretold:.2%}, came {came:.2%} (means); "
            f"inside the 95 % interval {inside} of {len(errors)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
