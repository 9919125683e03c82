"""`convlens suggest`."""

import argparse
import csv
import sys

from ...errors import UsageError
from ..arguments import Parser, add_detector, add_output, add_paths, listed_paths
from ..output import PassedOver, emit, emit_json, printable
from ..progress import Bars

SUMMARY = "name the unlabelled pictures that would teach a detector most"
EXAMPLES = """\
  convlens suggest runs/pictures unlabelled/
  convlens suggest detector.onnx unlabelled/ --count 100 --csv > to-label.csv
  find . -newer seen -name '*.jpg' | convlens suggest detector.onnx -"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    add_detector(parser)
    add_paths(parser)
    parser.add_argument("--count", type=int, default=20, metavar="N", help="how many at most [20]")
    add_output(
        parser, json="print a JSON array", csv="print CSV: name, predicted, probability, strange"
    )


def run(args: argparse.Namespace) -> int:
    """Print them, the most telling first."""
    from ...detector.suggest import suggest

    if args.count < 1:
        raise UsageError(f"--count {args.count}: it takes 1 or more")
    with Bars(args.quiet) as bars:
        passed_over = PassedOver()
        predictions = suggest(
            args.detector,
            listed_paths(args.paths),
            count=args.count,
            progress=bars.progress,
            passed_over=passed_over,
        )
    passed_over.say()
    rows = [(p.name, p.predicted, p.probability, p.strange) for p in predictions]
    heads = ("name", "predicted", "probability", "strange")
    if args.json:
        emit_json([dict(zip(heads, row, strict=True)) for row in rows])
    elif args.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([heads, *rows])
    else:
        width = max(len(printable(str(predicted))) for _, predicted, _, _ in rows)
        for name, predicted, probability, strange in rows:
            mark = "  (strange: perhaps of no class)" if strange else ""
            emit(
                f"{printable(str(predicted)):<{width}} {probability:7.2%}  {printable(name)}{mark}"
            )
    return 0
