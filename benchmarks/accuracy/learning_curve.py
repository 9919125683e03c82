"""What `inspect --more` foretells against what comes, and what `suggest` gains over chance.

    python benchmarks/accuracy/learning_curve.py [--pictures ../pictures/cats-dogs] [--seeds 10]

Both with heads on pretrained features. Foretold: the error after learning from 2 and 4 times the
pictures that the curve was measured with, against that of a head that did, judged by pictures that
neither saw. Suggested: 20 labelled pictures, then 20 more at a time, those that the head is least
sure of (as `suggest` chooses) or chance ones; accuracy on a fifth held out.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from convlens.detector.suggest import margin
from convlens.inspection.features import pretrained_features
from convlens.inspection.learning_curve import learning_curve
from convlens.transfer.head import FeatureSet, Head
from convlens.transfer.linear_probe import probe_on

STEP, MOST = 20, 160


def head_of(side: FeatureSet, classes: int) -> Head:
    return probe_on(
        side, side.take(side.labels < 0), classes=classes, weights_K=torch.ones(classes), seed=0
    ).head()


def error(learn: FeatureSet, judged: FeatureSet, classes: int) -> float:
    answers = head_of(learn, classes).logits(judged.features.mean(1)).argmax(1)
    return float((answers != judged.labels).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, default=Path("../pictures/cats-dogs"))
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    dataset, features = pretrained_features(asked.pictures, None, progress=lambda *_: None)
    classes, n = len(dataset.classes), len(features.labels)
    for count in (n // 16, n // 8, n // 5):
        inside, ratios = 0, []
        for seed in range(asked.seeds):
            order = torch.from_numpy(np.random.default_rng(seed).permutation(n))
            curve = learning_curve(features.take(order[:count]), classes, seed=seed)
            for point in curve.expected:
                judged = features.take(order[point.pictures :])
                came = error(features.take(order[: point.pictures]), judged, classes)
                low, high = point.interval
                inside += low <= came <= high
                ratios.append((point.error, came))
        foretold, came = np.mean(ratios, axis=0)
        print(
            f"from {count:,} pictures: foretold error {foretold:.2%}, came {came:.2%} (means); "
            f"inside the 95 % interval {inside} of {len(ratios)}",
            flush=True,
        )
    reached: dict[str, list[list[float]]] = {"suggested": [], "by chance": []}
    for seed in range(asked.seeds):
        random = np.random.default_rng(seed)
        mixed = random.permutation(n)
        held, pool = mixed[: n // 5], mixed[n // 5 :]
        judged = features.take(torch.from_numpy(held))
        for how, rows in reached.items():
            labelled, line = list(pool[:STEP]), []
            while True:
                head = head_of(features.take(torch.tensor(labelled)), classes)
                answers = head.logits(judged.features.mean(1)).argmax(1)
                line.append(float((answers == judged.labels).float().mean()))
                if len(labelled) >= MOST:
                    break
                left = np.setdiff1d(pool, labelled)
                if how == "suggested":
                    p = head.logits(features.features[torch.from_numpy(left)].mean(1)).softmax(1)
                    margins = np.array([margin(one) for one in p.numpy()])
                    labelled += left[np.argsort(margins, kind="stable")[:STEP]].tolist()
                else:
                    labelled += random.permutation(left)[:STEP].tolist()
            rows.append(line)
    counts = range(STEP, MOST + 1, STEP)
    for how, rows in reached.items():
        means = np.mean(rows, axis=0)
        shown = ", ".join(f"{c}: {100 * m:.2f} %" for c, m in zip(counts, means, strict=True))
        print(f"{how}: {shown}")


if __name__ == "__main__":
    main()
