"""How often the 95 % interval of an accuracy covers the truth, over repeated splits.

    python benchmarks/accuracy/intervals.py [--pictures ../pictures/cats-dogs] [--repeats 300]

Each time a head on pretrained features learns from some pictures drawn at random, its accuracy and
interval come from others, and the truth is its accuracy on all the rest. That is itself uncertain,
so beside it stands how often the same interval would cover a truth measured so if every picture
were an independent draw; the two should agree. Few pictures to learn from make mistakes frequent.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from convlens.dataset.prepare import prepare
from convlens.options import DataOptions
from convlens.tasks.intervals import wilson
from convlens.transfer.features import features_of
from convlens.transfer.pretrained import NetworkChoice, Pretrained

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser, "cats-dogs")
    parser.add_argument("--repeats", type=int, default=300)
    arguments = parser.parse_args()
    options = DataOptions(size=288, test_fraction=0.0, val_fraction=0.0)
    dataset = prepare(arguments.pictures, options, progress=lambda *_: None)
    examples = dataset.examples("train")
    module = NetworkChoice("timm:tf_efficientnet_lite0", "package").module(288, classes=2)
    assert isinstance(module, Pretrained)
    features = features_of(module, examples, progress=lambda *_: None)[:, 0]
    for learn in (6, 20, 60):
        for judged in (40, 100, 400):
            covered, expected, widths, accuracy = 0, 0, [], []
            for repeat in range(arguments.repeats):
                order = np.random.default_rng(repeat).permutation(len(examples))
                a, b, c = (
                    order[:learn],
                    order[learn : learn + judged],
                    order[learn + judged :],
                )
                if len(set(examples.labels[a])) < 2:
                    continue
                head = LogisticRegression(max_iter=1000).fit(features[a], examples.labels[a])
                right = head.predict(features[b]) == examples.labels[b]
                truth = (head.predict(features[c]) == examples.labels[c]).mean()
                low, high = wilson(int(right.sum()), judged)
                widths.append(high - low)
                covered += int(low <= truth <= high)
                draws = np.random.default_rng(repeat)
                drawn, measured = draws.binomial((judged, len(c)), truth)
                low, high = wilson(int(drawn), judged)
                expected += int(low <= measured / len(c) <= high)
                accuracy.append(truth)
            print(
                f"{learn:3} to learn from, {judged:3} to judge by: accuracy "
                f"{np.mean(accuracy):.1%}, interval {np.mean(widths):.1%} wide, covers the truth "
                f"{covered / len(widths):.1%} of {len(widths)} times ({expected / len(widths):.1%} "
                "expected)",
                flush=True,
            )


if __name__ == "__main__":
    main()
