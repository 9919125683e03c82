"""Could fine-tuning be stopped before its end, where it will not win, and how often is that wrong?

    python benchmarks/accuracy/early_stop.py --pictures ../pictures [--sets trash,digits]

Of each set at most `MOST` pictures are drawn, three tenths of them to validate, and
EfficientNet-Lite0 is fine-tuned for 8 epochs to its end. What was measured on the way is kept in
`benchmarks/accuracy/early_stop.jsonl`; runs that are there already are not repeated. Then rules
are compared: stop where, at or after a share of the steps, J of the validation pictures is so many
times that of the frozen features, and so much above it, while nothing won yet. Of each rule: how
many trainings it would have ended, how many of these went on to win, and which share of all steps
it would have saved. `convlens.engine.early_stopping` has the one that `convlens train` keeps to.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convlens.engine.early_stopping import is_far_above

sys.path.insert(0, str(Path(__file__).parents[1]))
from accuracy.against_frozen import SETS
from shared.arguments import add_pictures, script_parser
from shared.pictures import Labelled, drawn, write_table
from shared.sets import labelled_pictures
from shared.training import train_by_command

RUNS = Path(__file__).with_suffix(".jsonl")
MOST = 700
"""Pictures of a set."""
SHARES = (0.4, 0.6)
ABOVE = ((1.0, 0.0), (1.5, 0.0), (3.0, 0.0), (1.0, 0.1), (1.0, 0.2), (1.5, 0.2))
"""Times J of the frozen features, and more than it."""
OPTIONS = ("--epochs=8", "--folds=1", "--prefer=speed", "--val-fraction=0.3", "--test-fraction=0")


def one_run(name: str, pictures: Labelled, folder: Path, seed: int) -> dict[str, Any]:
    """Fine-tune to the end; step, J and whether it led, at each measurement."""
    some = drawn(pictures, MOST, seed=seed)
    table = write_table(folder / "pictures.csv", ((*one, "") for one in some))
    train_by_command(table, folder / "run", *OPTIONS, f"--seed={seed}")
    events = map(json.loads, (folder / "run" / "events.jsonl").read_text().splitlines())
    measured = [event for event in events if event["event"] == "measure"]
    return {
        "set": name,
        "seed": seed,
        "step": [event["step"] for event in measured],
        "cost": [round(event["cost_val"], 4) for event in measured],
        "accuracy": [round(event["accuracy_val"], 4) for event in measured],
        "best": [event["best"] for event in measured],
    }


def results() -> list[dict[str, Any]]:
    """The runs there are."""
    lines = RUNS.read_text().splitlines() if RUNS.exists() else []
    return [json.loads(line) for line in lines]


def won(run: dict[str, Any]) -> bool:
    """Whether fine-tuned parameters were kept."""
    return any(run["best"][1:])


def stopped_at(run: dict[str, Any], *, share: float, times: float, more: float) -> float:
    """The share of the steps after which a rule ends the training; 1 where it does not."""
    frozen, last = run["cost"][0], run["step"][-1]
    for step, cost, best in list(zip(run["step"], run["cost"], run["best"], strict=True))[1:-1]:
        if best:
            break
        if step >= share * last and is_far_above(cost, frozen, times=times, more=more):
            return float(step / last)
    return 1.0


def rules(runs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The table's rows."""
    yield "| from | times | more | ended | of them would have won | steps saved |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for share in SHARES:
        for times, more in ABOVE:
            at = [stopped_at(run, share=share, times=times, more=more) for run in runs]
            ended = [run for run, end in zip(runs, at, strict=True) if end < 1]
            yield (
                f"| {share:.0%} | {times} | {more} | {len(ended)} of {len(runs)} | "
                f"{sum(map(won, ended))} | {1 - np.mean(at):.0%} |"
            )


def main() -> None:
    """Run what is missing, print the curves and the table."""
    parser = script_parser(__doc__)
    add_pictures(parser)
    parser.add_argument("--sets", default=",".join(SETS), help="names with commas between")
    parser.add_argument("--seed", type=int, default=0, help="which pictures are drawn [0]")
    arguments = parser.parse_args()
    known = {(run["set"], run["seed"]) for run in results()}
    for name in filter(None, arguments.sets.split(",")):
        if (name, arguments.seed) in known:
            continue
        pictures = labelled_pictures(name, arguments.pictures)
        with tempfile.TemporaryDirectory() as folder:
            run = one_run(name, pictures, Path(folder), arguments.seed)
        with RUNS.open("a") as file:
            file.write(json.dumps(run) + "\n")
        print(json.dumps(run), flush=True)
    for run in results():
        times = " ".join(f"{cost / run['cost'][0]:.2f}" for cost in run["cost"])
        print(f"{run['set']}: J over that of the frozen {times}; {'won' if won(run) else 'lost'}")
    print("\n".join(rules(results())))


if __name__ == "__main__":
    main()
