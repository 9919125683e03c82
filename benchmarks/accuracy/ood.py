"""Pictures of neither class: how many a detector of cats and dogs takes for one of them.

    python benchmarks/accuracy/ood.py RUN [--pictures ../pictures]

RUN is a finished run on `cats-dogs`. Strangers are the ships and trucks of `cifar10` (test split),
and solar cells, where they are installed; its own are the pictures that the run held out. For the
probability of the answer and for strangeness: AUROC, and the share of strangers that pass where
95 % of its own do.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from convlens import Detector

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser
from shared.pictures import held_out_pictures, solar_cells

MOST = 500


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("run", type=Path)
    add_pictures(parser)
    arguments = parser.parse_args()
    detector = Detector(arguments.run)
    own = [path for path, _ in held_out_pictures(arguments.run)]
    strangers = {
        "ships and trucks": [
            path
            for kind in ("ship", "truck")
            for path in sorted((arguments.pictures / "cifar10" / "test" / kind).glob("*"))[
                : MOST // 2
            ]
        ]
    }
    data = solar_cells()
    if data is not None:
        cells = sorted((data / "images").glob("*.png"))
        strangers["solar cells"] = cells[:: max(1, len(cells) // MOST)]
    inside = list(detector.predict_many(own))
    for what, paths in strangers.items():
        outside = list(detector.predict_many(paths))
        scores = {
            "probability": [
                [-(p.probability or 0) for p in predictions] for predictions in (inside, outside)
            ],
            "strangeness": [
                [p.strangeness or 0 for p in predictions] for predictions in (inside, outside)
            ],
        }
        for name, (ours, theirs) in scores.items():
            truth = [0] * len(ours) + [1] * len(theirs)
            limit = np.quantile(ours, 0.95)
            print(
                f"{what:17} {name:12} AUROC {roc_auc_score(truth, [*ours, *theirs]):.3f}, "
                f"{np.mean(np.array(theirs) <= limit):6.1%} of {len(theirs)} pass where 95 % of "
                f"{len(ours)} of its own do"
            )
        shares = [np.mean([p.strange for p in predictions]) for predictions in (outside, inside)]
        print(f"{what:17} called strange: {shares[0]:.1%}, and of its own {shares[1]:.1%}")


if __name__ == "__main__":
    main()
