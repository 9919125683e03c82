"""Is any set worse off with `convlens train` than with frozen features of the best backbone?

    python benchmarks/accuracy/against_frozen.py --pictures ../pictures [--sets trash,digits]

Of each set at most 300 pictures are drawn, class by class alike; half of them are learnt from,
and half are held out. `convlens train` with no options stands against the usual alternative with
each installed backbone (frozen features, one look at its published size, scikit-learn's logistic
regression), of which the one that turns out best on the held-out pictures counts: nobody could have
chosen better. Runs are kept in `benchmarks/accuracy/against_frozen.jsonl`, those that are there
already are not repeated, and the section of `docs/accuracy.md` is written anew from all of them.
"""

import csv
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from convlens.network.pretrained import installed_packages
from convlens.tasks.intervals import mcnemar

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared.arguments import add_pictures, script_parser
from shared.frozen_baseline import right_by_frozen_features
from shared.pictures import Labelled, write_table
from shared.sets import labelled_pictures
from shared.training import train_by_command

HERE = Path(__file__).parent
RUNS = HERE / "against_frozen.jsonl"
PAGE = HERE.parents[1] / "docs" / "accuracy.md"
MOST = 300
"""Pictures of a set."""
HEADING = "\n## Against frozen features of the best installed backbone\n"
SETS = (
    "lecture-cats",
    "cats-dogs",
    "cifar10",
    "elpv",
    "trash",
    "steel",
    "blood-cells",
    "fashion",
    "digits",
    "animals",
)
ABOUT = """
`python benchmarks/accuracy/against_frozen.py` writes this section. Of each set at most 300 pictures
are drawn, half of them to learn from; `convlens train` has no options. Its opponent is
scikit-learn's logistic regression on frozen features of that installed backbone which is best on
these very held-out pictures, so the choice favours it. *Paired*: pictures that only one of the two
gets right, ours first, and McNemar's exact test. *Worse*: fewer right, with p below 0.05. Blood
cells are cut out of slides, and cells of one slide stand on both sides.

| pictures | learnt from | held out | convlens | frozen features | paired | worse |
| --- | --- | --- | --- | --- | --- | --- |
"""


def drawn(pictures: Labelled) -> tuple[Labelled, np.ndarray[Any, np.dtype[np.bool_]]]:
    """About `MOST` pictures, class by class alike, and True for every other one: held out."""
    random = np.random.default_rng(2000)
    by_label: defaultdict[str, list[str]] = defaultdict(list)
    for path, label in pictures:
        by_label[label].append(path)
    each = max(2, MOST // len(by_label))
    some: Labelled = []
    held: list[bool] = []
    for label, paths in sorted(by_label.items()):
        chosen = random.permutation(len(paths))[:each]
        some += [(paths[k], label) for k in chosen]
        held += [bool(k % 2) for k in range(len(chosen))]
    return some, np.array(held)


def one_run(name: str, pictures: Labelled, folder: Path) -> dict[str, Any]:
    """Train once, and fit each opponent; what both get right of the held-out pictures."""
    some, held = drawn(pictures)
    rows = (
        (path, label, "test" if h else "train") for (path, label), h in zip(some, held, strict=True)
    )
    table, out = write_table(folder / "pictures.csv", rows), folder / "run"
    begin = time.monotonic()
    train_by_command(table, out)
    seconds = time.monotonic() - begin
    with (out / "predictions.csv").open() as file:
        right = {line["name"]: line["predicted"] == line["label"] for line in csv.DictReader(file)}
    held_paths = [str(Path(path).absolute()) for (path, _), h in zip(some, held, strict=True) if h]
    opponents = {
        known.architecture: dict(
            zip(held_paths, right_by_frozen_features(some, held, known).tolist(), strict=True)
        )
        for known in installed_packages()
    }
    judged = [path for path in held_paths if path in right]  # without those that look alike
    best = max(opponents, key=lambda name: sum(opponents[name][path] for path in judged))
    theirs = opponents[best]
    return {
        "set": name,
        "learnt": int((~held).sum()),
        "n": len(judged),
        "right": sum(right[p] for p in judged),
        "best": best,
        "best_right": sum(theirs[p] for p in judged),
        "only_ours": sum(right[p] and not theirs[p] for p in judged),
        "only_frozen": sum(theirs[p] and not right[p] for p in judged),
        "seconds": round(seconds),
    }


def results() -> list[dict[str, Any]]:
    """The runs there are, in the order of the sets."""
    lines = RUNS.read_text().splitlines() if RUNS.exists() else []
    return sorted(map(json.loads, lines), key=lambda r: SETS.index(r["set"]))


def section() -> Iterator[str]:
    """The table's rows, one a set, and all of them together."""
    runs = results()
    for r in runs:
        yield _row(r["set"], r, f" ({r['best'].removeprefix('tf_efficientnet_')})")
    if runs:
        keys = ("learnt", "n", "right", "best_right", "only_ours", "only_frozen")
        yield _row("**all**", {key: sum(r[key] for r in runs) for key in keys}, "")
        worse = [r["set"] for r in runs if _is_worse(r)]
        yield ""
        yield f"Of {len(runs)} sets, worse: {', '.join(worse) or 'none'}."


def _is_worse(r: dict[str, Any]) -> bool:
    return r["right"] < r["best_right"] and mcnemar(r["only_ours"], r["only_frozen"]) < 0.05


def _row(name: str, r: dict[str, Any], best: str) -> str:
    p = mcnemar(r["only_ours"], r["only_frozen"])
    return (
        f"| {name} | {r['learnt']:,} | {r['n']:,} | {100 * r['right'] / r['n']:.1f} % | "
        f"{100 * r['best_right'] / r['n']:.1f} %{best} | {r['only_ours']} to {r['only_frozen']}, "
        f"p = {p:.2g} | {'**yes**' if _is_worse(r) else 'no'} |"
    )


def write_section() -> str:
    """Put the section, from the runs there are, after what the page has before it."""
    text = HEADING + ABOUT + "\n".join(section()) + "\n"
    PAGE.write_text(PAGE.read_text().partition(HEADING)[0] + text)
    return text


def main() -> None:
    """Run what is missing, write the section."""
    parser = script_parser(__doc__)
    add_pictures(parser)
    parser.add_argument("--sets", default=",".join(SETS), help="names with commas between")
    arguments = parser.parse_args()
    known = (
        {json.loads(line)["set"] for line in RUNS.read_text().splitlines()}
        if RUNS.exists()
        else set()
    )
    for name in arguments.sets.split(","):
        if name in known:
            continue
        pictures = labelled_pictures(name, arguments.pictures)
        with tempfile.TemporaryDirectory() as temporary:
            result = one_run(name, pictures, Path(temporary))
        with RUNS.open("a") as file:
            file.write(json.dumps(result) + "\n")
        print(json.dumps(result), flush=True)
    print(write_section())


if __name__ == "__main__":
    main()
