"""Are the pictures that a split holds out harder than the rest, or otherwise different?

    python benchmarks/accuracy/held_out.py --pictures ../pictures [--sets trash,elpv] [--seeds 40]

How hard each picture is does not depend on the split: it is what scikit-learn's logistic regression
on frozen ImageNet features says of it when its fold is left out, with look-alikes in one fold
(`StratifiedGroupKFold`). Then `make_split` divides the pictures by each seed, and what it holds out
stands beside all pictures: the share that is wrong, the cost in nats, and the share that has a
look-alike. Differences are means over the seeds, with the half-width of their 95 % interval.
At most 2,000 pictures of a set.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convlens.dataset.prepare import Dataset, prepare
from convlens.options import DataOptions
from convlens.pictures.duplicates.near_duplicates import near_duplicate_clusters
from convlens.pictures.splits import make_split
from convlens.transfer.features import features_of
from convlens.transfer.pretrained import NetworkChoice, Pretrained

sys.path.insert(0, str(Path(__file__).parents[1]))
from accuracy.against_frozen import SETS
from shared.arguments import add_pictures, script_parser
from shared.pictures import drawn, write_table
from shared.sets import labelled_pictures

MOST = 2000
"""Pictures of a set."""
TEST, VAL = 0.2, 0.1
"""The shares that `convlens train` holds out."""


def prepared(name: str, pictures: Path, folder: Path) -> Dataset:
    """Some pictures of a set, none of them held out yet."""
    some = drawn(labelled_pictures(name, pictures), MOST, seed=4000)
    table = write_table(folder / "pictures.csv", ((*one, "") for one in some))
    options = DataOptions(size=224, test_fraction=0.0, val_fraction=0.0)
    return prepare(table, options, progress=lambda *_: None)


def hardness(
    dataset: Dataset, groups: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Of each picture [N]: whether it is answered wrongly, and at which cost, when left out."""
    module = NetworkChoice("timm:tf_efficientnet_lite0", "package").module(224, classes=2)
    assert isinstance(module, Pretrained)
    examples = dataset.examples("train")
    features = np.asarray(features_of(module, examples, progress=lambda *_: None))[:, 0]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    of_class = cross_val_predict(
        model, features, examples.labels, groups=groups, cv=folds, method="predict_proba"
    )
    own = of_class[np.arange(len(examples)), examples.labels]
    return of_class.argmax(1) != examples.labels, -np.log(np.maximum(own, 1e-9))


def difference(values: npt.NDArray[np.float64], held: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Mean [N] over what is held out [S, N] less that over all, with its interval's half-width."""
    apart = np.array([values[one].mean() for one in held]) - values.mean()
    half = stats.t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / len(apart) ** 0.5
    return float(apart.mean()), float(half)


def line_of(name: str, dataset: Dataset, seeds: int) -> str:
    """A row of the table."""
    catalog, store = dataset.catalog, dataset.store
    near = near_duplicate_clusters(store, lambda *_: None)
    splits = [
        make_split(catalog, store, near=near, seed=seed, test_fraction=TEST, val_fraction=VAL)
        for seed in range(seeds)
    ]
    used = dataset.split.rows("train")
    groups = np.array(splits[0].groups)[used]
    held = np.array([[split.assigned[row] == "test" for row in used] for split in splits])
    alike = np.bincount(groups)[groups] > 1
    wrong, cost = hardness(dataset, groups)
    parts = [f"{len(used):,}", f"{100 * wrong.mean():.1f} %"]
    for values, scale, unit in ((wrong, 100, ""), (cost, 1, ""), (alike, 100, "")):
        mean, half = difference(values.astype(float), held)
        digits = 1 if scale == 100 else 3
        parts.append(f"{scale * mean:+.{digits}f} ± {scale * half:.{digits}f}{unit}")
    return f"| {name} | {' | '.join(parts)} |"


def main() -> None:
    parser = script_parser(__doc__)
    add_pictures(parser)
    parser.add_argument("--sets", default=",".join(SETS), help="names with commas between")
    parser.add_argument("--seeds", type=int, default=40, help="splits of each set [40]")
    arguments = parser.parse_args()
    print(
        "| pictures | of them | wrong | wrong, held out, points more | cost | look-alikes, points |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for name in arguments.sets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            dataset = prepared(name, arguments.pictures, Path(folder))
            print(line_of(name, dataset, arguments.seeds), flush=True)


if __name__ == "__main__":
    main()
