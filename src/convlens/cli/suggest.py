"""`convlens suggest`."""

import argparse
import csv
import sys

from ..errors import UsageError
from .arguments import Subparsers, add_pictures, command
from .output import Bars, emit, emit_json, named, printable

EXAMPLES = """\
  convlens suggest runs/pictures unlabelled/
  convlens suggest detector.onnx unlabelled/ --count 100 --csv > to-label.csv
  find . -newer seen -name '*.jpg' | convlens suggest detector.onnx -"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "name the unlabelled pictures that would teach a detector most"
    parser = command(commands, "suggest", summary=summary, examples=EXAMPLES)
    add_pictures(parser)
    parser.add_argument(
        "--count", type=int, default=20, metavar="N", help="how many to name at most [20]"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON array")
    form.add_argument(
        "--csv", action="store_true", help="CSV: name, predicted, probability, strange"
    )
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print them, the most telling first."""
    from ..detector.suggest import suggest

    if asked.count < 1:
        raise UsageError(f"--count {asked.count}: it takes 1 or more")
    with Bars() as bars:
        predictions = suggest(
            asked.detector, named(asked.paths), count=asked.count, progress=bars.progress
        )
    rows = [(p.name, p.predicted, p.probability, p.strange) for p in predictions]
    heads = ("name", "predicted", "probability", "strange")
    if asked.json:
        emit_json([dict(zip(heads, row, strict=True)) for row in rows])
    elif asked.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([heads, *rows])
    else:
        width = max(len(printable(str(predicted))) for _, predicted, _, _ in rows)
        for name, predicted, probability, strange in rows:
            mark = "  (strange: perhaps of no class)" if strange else ""
            emit(
                f"{printable(str(predicted)):<{width}} {probability:7.2%}  {printable(name)}{mark}"
            )
    return 0
