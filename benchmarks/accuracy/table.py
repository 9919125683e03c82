"""How good the detectors are: every figure on pictures that played no part in making them.

    python benchmarks/accuracy/table.py --pictures ../pictures [--rows cats-dogs,few] [--runs 5]

Each run is `convlens train` as a user gives it, with only the options that the table names, on a
table of pictures whose held-out side is fixed beforehand. Beside it stands the usual alternative on
the same pictures: frozen ImageNet features (224 pixels, each picture once) under scikit-learn's
logistic regression. Runs are kept in `benchmarks/accuracy/table.jsonl`, those that are there
already are not repeated, and `docs/accuracy.md` is written anew from all of them.
"""

import argparse
import csv
import json
import math
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import stats

from convlens.evaluation.compare import mcnemar

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.training import train_by_command

HERE = Path(__file__).parent
RUNS = HERE / "table.jsonl"
PAGE = HERE.parents[1] / "docs" / "accuracy.md"

ABOUT = """\
# Accuracy

`python benchmarks/accuracy/table.py` makes this page. Every figure is of pictures that played no
part in making the detector. *Worst run*: the least accurate one. *Frozen features*: ImageNet
features at 224 pixels under scikit-learn's logistic regression, from the same pictures. *Paired*:
pictures that only one of the two gets right, ours first, and McNemar's exact test over them.
*Train*: the median time of the whole command. Measured on two cores ({machine}) that did other
work at times, so a time is at most that.

Where targets were missed: cats and dogs from pretrained features by one picture of 2,000, well
within the interval; from random parameters by one of 100, after all that 30 minutes allow; solar
cells, 15 % of whose labels are "perhaps" (1/3 counts as sound, 2/3 as defective), by four of 100
in ten minutes; CIFAR-10 by less than one: its J on training pictures has come down to what label
smoothing leaves, so more variety or a wider network is what it lacks. What was tried is in
[recipes](recipes.md).

"""
HEADS = (
    "pictures",
    "how",
    "accuracy (95 %)",
    "worst run",
    "target",
    "frozen features",
    "paired",
    "train",
)

Labelled = list[tuple[str, str]]
"""Path and label of each picture."""


@dataclass(frozen=True)
class Row:
    """A line of the table: which pictures, how they are held out, which options."""

    name: str
    folder: str
    how: str
    options: tuple[str, ...]
    held: str
    target: str
    frozen: bool = False


ROWS = (
    Row("lecture", "lecture-cats", "default", (), "fold", "≥ 98 %", True),
    Row(
        "lecture-none", "lecture-cats", "`--weights none`", ("--weights", "none"), "fold", "≥ 90 %"
    ),
    Row("cats-dogs", "cats-dogs", "default", (), "fold", "≥ 99.1 %", True),
    Row(
        "cats-dogs-none-4",
        "cats-dogs",
        "`--weights none --minutes 4`",
        ("--weights", "none", "--minutes", "4"),
        "fold",
        "≥ 80 %",
    ),
    Row("cats-dogs-none", "cats-dogs", "`--weights none`", ("--weights", "none"), "fold", "≥ 95 %"),
    Row("few", "cats-dogs", "default, 10 per class", (), "few", "≥ 98 %", True),
    Row("elpv", "elpv", "default", (), "quarter", "≥ 92 %", True),
    Row("cifar10", "cifar10", "`--weights none`", ("--weights", "none"), "given", "≥ 92 %"),
)


def labelled(folder: str, pictures: Path) -> Labelled:
    """All pictures of a set; solar cells come from their package, 0 and 1/3 as sound."""
    if folder != "elpv":
        found = sorted((pictures / folder).rglob("*.[jp][pn]g"))
        return [(str(path.absolute()), path.parent.name) for path in found]
    spec = find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        sys.exit("the solar cells are not installed: pip install elpv-dataset")
    data = Path(spec.origin).parent / "data"
    lines = [line.split() for line in (data / "labels.csv").read_text().splitlines()]
    return [
        (str(data / name), "defective" if float(share) > 0.5 else "functional")
        for name, share, _ in lines
    ]


def held_out(row: Row, found: Labelled, run: int) -> np.ndarray:
    """True [N] for the pictures that this run does not see until its end."""
    if row.held == "given":
        return np.array(["/test/" in path for path, _ in found])
    random = np.random.default_rng(1000 + (0 if row.held == "fold" else run))
    labels = np.array([label for _, label in found])
    held = np.zeros(len(found), bool)
    for label in sorted(set(labels)):
        rows = random.permutation(np.where(labels == label)[0])
        match row.held:
            case "fold":
                held[rows[run % 5 :: 5]] = True
            case "few":
                held[rows[10:]] = True
            case _:
                held[rows[: round(len(rows) / 4)]] = True
    return held


def frozen_features(found: Labelled, held: np.ndarray) -> np.ndarray:
    """Whether the usual alternative is right [held pictures]."""
    import timm
    import torch
    from PIL import Image
    from sklearn.linear_model import LogisticRegression

    from convlens.network.pretrained import imagenet_parameters

    network = timm.create_model("tf_efficientnet_lite0", num_classes=1000).eval()
    network.load_state_dict(imagenet_parameters(network))
    config = timm.data.resolve_model_data_config(network)
    mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    features = []
    with torch.inference_mode():
        for first in range(0, len(found), 8):
            images = [
                np.asarray(Image.open(path).convert("RGB").resize((224, 224)))
                for path, _ in found[first : first + 8]
            ]
            pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
            maps = network.forward_features((pixels - mean) / std)
            features.append(network.forward_head(maps, pre_logits=True))
    x = torch.cat(features).numpy()
    y = np.array([label for _, label in found])
    fitted = LogisticRegression(max_iter=5000).fit(x[~held], y[~held])
    right: np.ndarray = fitted.predict(x[held]) == y[held]
    return right


def one_run(row: Row, found: Labelled, run: int, keep: Path | None) -> dict[str, object]:
    """Train once and judge; the table of pictures and the run stay in `keep`, if given."""
    held = held_out(row, found, run)
    with tempfile.TemporaryDirectory() as place:
        kept = Path(place) if keep is None else keep / f"{row.name}-{run}"
        kept.mkdir(parents=True, exist_ok=True)
        table, out = kept / "pictures.csv", kept / "run"
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "label", "split"))
            writer.writerows(
                (path, label, "test" if h else "train")
                for (path, label), h in zip(found, held, strict=True)
            )
        begun = time.monotonic()
        metrics = train_by_command(table, out, "--seed", str(run), *row.options)
        seconds = time.monotonic() - begun
        with (out / "predictions.csv").open() as file:
            answers = {
                line["name"]: line["predicted"] == line["label"] for line in csv.DictReader(file)
            }
    n, right = metrics["test"]["n"], sum(answers.values())
    result: dict[str, object] = {
        "row": row.name,
        "run": run,
        "n": n,
        "right": right,
        "trained_on": int((~held).sum()),
        "seconds": round(seconds),
        "fine-tuned": (metrics["tried"] or {}).get("fine-tuned"),
    }
    if row.frozen:
        other = frozen_features(found, held)
        judged = [path for (path, _), h in zip(found, held, strict=True) if h]
        by_path = dict(zip(judged, other.tolist(), strict=True))
        shared = [path for path in answers if path in by_path]
        result["frozen_right"] = int(other.sum())
        result["only_ours"] = sum(answers[p] and not by_path[p] for p in shared)
        result["only_frozen"] = sum(by_path[p] and not answers[p] for p in shared)
    return result


def interval(runs: list[dict[str, object]]) -> tuple[float, float, float]:
    """Mean accuracy with a 95 % interval, in per cent.

    Where runs hold out different pictures once each, Wilson's over all of them; where runs overlap,
    Student's over the runs' means.
    """
    shares = np.array([int(str(r["right"])) / int(str(r["n"])) for r in runs]) * 100
    if len(runs) > 1 and runs[0]["row"] in {"few", "elpv"}:
        half = stats.t.ppf(0.975, len(runs) - 1) * shares.std(ddof=1) / math.sqrt(len(runs))
        return shares.mean(), shares.mean() - half, shares.mean() + half
    right, n = sum(int(str(r["right"])) for r in runs), sum(int(str(r["n"])) for r in runs)
    found = stats.binomtest(right, n).proportion_ci(method="wilson")
    return 100 * right / n, 100 * found.low, 100 * found.high


def lines(kept: list[dict[str, object]]) -> Iterator[str]:
    """The table."""
    yield f"| {' | '.join(HEADS)} |"
    yield "|" + " --- |" * len(HEADS)
    for row in ROWS:
        runs = [r for r in kept if r["row"] == row.name]
        if not runs:
            yield f"| {row.folder} | {row.how} | not measured yet | | {row.target} | | | |"
            continue
        mean, low, high = interval(runs)
        worst = min(100 * int(str(r["right"])) / int(str(r["n"])) for r in runs)
        n = sum(int(str(r["n"])) for r in runs)
        minutes = np.median([int(str(r["seconds"])) for r in runs]) / 60
        frozen = paired = ""
        if row.frozen:
            frozen = f"{100 * sum(int(str(r['frozen_right'])) for r in runs) / n:.1f} %"
            ours, theirs = (
                sum(int(str(r[key])) for r in runs) for key in ("only_ours", "only_frozen")
            )
            paired = f"{ours} to {theirs}, p = {mcnemar(ours, theirs):.2g}"
        yield (
            f"| {row.folder} | {row.how} | **{mean:.1f} %** ({low:.1f} to {high:.1f}), "
            f"{len(runs)} runs, {n:,} pictures | {worst:.1f} % | {row.target} | {frozen} "
            f"| {paired} | {minutes:.1f} min |"
        )


def main() -> None:
    """Run what is missing, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, default=Path("../pictures"), help="their folder")
    parser.add_argument("--rows", default="", help="names with commas between; all unless told")
    parser.add_argument("--runs", type=int, default=5, help="runs per row [5]")
    parser.add_argument("--keep", type=Path, help="a folder for the runs, which else are removed")
    asked = parser.parse_args()
    kept = [json.loads(line) for line in RUNS.read_text().splitlines()] if RUNS.exists() else []
    wanted = [name for name in asked.rows.split(",") if name] or [row.name for row in ROWS]
    for row in (row for row in ROWS if row.name in wanted):
        for run in range(1 if row.held == "given" else asked.runs):
            if any(r["row"] == row.name and r["run"] == run for r in kept):
                continue
            result = one_run(row, labelled(row.folder, asked.pictures), run, asked.keep)
            print(json.dumps(result), flush=True)
            kept.append(result)
            with RUNS.open("a") as file:
                file.write(json.dumps(result) + "\n")
    machine = platform.processor() or platform.machine()
    head = ABOUT.format(machine=machine)
    PAGE.write_text(head + "\n".join(lines(kept)) + "\n")
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
