"""`convlens evaluate`."""

import argparse

from ..arguments import Parser, add_boxes, add_detector, add_output
from ..output import emit, emit_json, printable, table
from ..progress import Bars

SUMMARY = "measure a detector on labelled pictures"
EXAMPLES = """\
  convlens evaluate runs/pets new-pictures/
  convlens evaluate runs/pets runs/pets/manifest.csv   what was held out
  convlens evaluate detector.onnx pictures/ --split all --json"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    add_detector(parser)
    parser.add_argument("pictures", metavar="PICTURES", help="labelled pictures, as for train")
    parser.add_argument(
        "--split",
        choices=("train", "val", "test", "all"),
        metavar="NAME",
        help="train, val, test or all [auto: test where it is marked; all if nothing is]",
    )
    add_boxes(parser)
    add_output(parser, json="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the metrics."""
    from ...detector.detector import Detector

    detector = Detector(args.detector)
    with Bars(args.quiet) as bars:
        evaluation = detector.evaluate(
            args.pictures, split=args.split, boxes=args.boxes, progress=bars.progress
        )
    if args.json:
        emit_json(evaluation.as_json())
        return 0
    for part in detector.task.summary(evaluation, rule=detector.rule):
        if isinstance(part, str):
            emit(printable(part))
        else:
            headings, *rows = [
                [printable(cell) for cell in row] for row in (part.headings, *part.rows)
            ]
            emit(table(headings, rows))
    if evaluation.skipped:
        emit(f"\n{len(evaluation.skipped)} files were left out")
        for name, reason in evaluation.skipped[:10]:
            emit(f"  {printable(name)}: {printable(reason)}")
    return 0
