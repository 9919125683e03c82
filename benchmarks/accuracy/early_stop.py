"""Could fine-tuning that will not win be stopped on its way, and how often would that be wrong?

    python benchmarks/accuracy/early_stop.py --pictures ../pictures [--sets trash] [--minutes 3]

Of each set at most 800 pictures are drawn, class by class alike; every fourth one validates. A
network is fine-tuned to its end. At each measurement stands how much lower the losses of the
validation pictures are than those of the features as they were, in standard errors of the paired
differences. A rule stops where they are higher by so many standard errors after such a share of
the training; it is wrong where the end would have won. Trainings are kept in
`benchmarks/accuracy/early_stop.jsonl`, and those that are there already are not repeated.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

from torch import Tensor

import convlens
from convlens.engine.model_selection import ModelSelection

sys.path.insert(0, str(Path(__file__).parents[1]))
from accuracy.against_frozen import SETS, drawn
from shared.arguments import add_pictures, script_parser
from shared.pictures import Labelled, write_table
from shared.sets import labelled_pictures

TRAININGS = Path(__file__).parent / "early_stop.jsonl"
MOST = 800
NETWORK = "timm:tf_efficientnet_lite0"
SHARES, ERRORS = (0.2, 0.4, 0.6, 0.8), (0.0, 1.0, 2.0, 3.0)


def fine_tuned(name: str, pictures: Labelled, folder: Path, minutes: float) -> dict[str, Any]:
    """What was measured in one training: (share done, gain, its standard error), and the end."""
    some, validates = drawn(pictures, most=MOST, every=4)
    rows = (
        (path, label, "val" if v else "train")
        for (path, label), v in zip(some, validates, strict=True)
    )
    table = write_table(folder / "pictures.csv", rows)
    gains: list[tuple[float, float]] = []
    accepts = ModelSelection.accepts

    def listened(self: ModelSelection, losses_N: Tensor, best_loss: float | None) -> bool:
        if self.reference is not None and self.pretrained:
            gain = self.reference - losses_N
            gains.append((gain.mean().item(), gain.std().item() / len(gain) ** 0.5))
        return accepts(self, losses_N, best_loss)

    with patch.object(ModelSelection, "accepts", listened):
        run = convlens.train(table, folder / "run", network=NETWORK, minutes=minutes)
    events = map(json.loads, (run.folder / "events.jsonl").read_text().splitlines())
    steps = [event["step"] for event in events if event["event"] == "measure" and event["step"]]
    return {
        "set": name,
        "val": int(validates.sum()),
        "measured": [
            (step / steps[-1], *gain) for step, gain in zip(steps, gains[: len(steps)], strict=True)
        ],
        "kept": run.metrics["tried"]["fine-tuned"],
    }


def stopped_at(training: dict[str, Any], share: float, errors: float) -> float | None:
    """The share of a training after which a rule stops it; None where it does not."""
    for done, gain, error in training["measured"][:-1]:
        if done >= share and gain < -errors * error:
            return float(done)
    return None


def table(trainings: list[dict[str, Any]]) -> str:
    """Every rule: how many trainings that lose it stops, how many that win, and what it saves."""
    won = [training for training in trainings if training["kept"]]
    lost = [training for training in trainings if not training["kept"]]
    lines = [
        f"{len(won)} of {len(trainings)} trainings won.\n",
        "| after | higher by | losers stopped | winners stopped | of the losers' time saved |",
        "| --- | --- | --- | --- | --- |",
    ]
    for share in SHARES:
        for errors in ERRORS:
            at = [stopped_at(training, share, errors) for training in lost]
            wrong = [stopped_at(training, share, errors) is not None for training in won]
            saved = sum(1 - done for done in at if done is not None) / max(1, len(lost))
            lines.append(
                f"| {share:.0%} | {errors:g} standard errors | "
                f"{sum(done is not None for done in at)} of {len(lost)} | "
                f"{sum(wrong)} of {len(won)} | {saved:.0%} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Train where it is missing; print the table."""
    parser = script_parser(__doc__)
    add_pictures(parser)
    parser.add_argument("--sets", default="", help="names with commas between; all by default")
    parser.add_argument("--minutes", type=float, default=3.0, help="of each training [3]")
    arguments = parser.parse_args()
    kept = TRAININGS.read_text().splitlines() if TRAININGS.exists() else []
    trainings = [json.loads(line) for line in kept]
    for name in arguments.sets.split(",") if arguments.sets else SETS:
        if any(training["set"] == name for training in trainings):
            continue
        pictures = labelled_pictures(name, arguments.pictures)
        with tempfile.TemporaryDirectory() as folder:
            training = fine_tuned(name, pictures, Path(folder), arguments.minutes)
        print(json.dumps(training), flush=True)
        trainings.append(training)
        with TRAININGS.open("a") as file:
            file.write(json.dumps(training) + "\n")
    print(table(trainings))


if __name__ == "__main__":
    main()
