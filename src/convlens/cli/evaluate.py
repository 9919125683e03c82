"""`convlens evaluate`."""

import argparse

from .arguments import Subparsers, command
from .output import Bars, emit, emit_json, printable, table

EXAMPLES = """\
  convlens evaluate detector.onnx test-pictures/
  convlens evaluate runs/pets/detector.onnx runs/pets/manifest.csv   what the run held out
  convlens evaluate detector.onnx pictures/ --split all --json"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = command(
        commands, "evaluate", summary="judge a detector on labelled pictures", examples=EXAMPLES
    )
    parser.add_argument("detector", help="a detector.onnx, or its run folder")
    parser.add_argument("pictures", help="a folder or table of labelled pictures")
    parser.add_argument(
        "--split",
        choices=("train", "val", "test", "all"),
        help="which pictures [test where the data marks them, else all]",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print the metrics."""
    from ..detector.detector import Detector

    detector = Detector(asked.detector)
    with Bars() as bars:
        evaluation = detector.evaluate(asked.pictures, split=asked.split, progress=bars.progress)
    if asked.json:
        emit_json(evaluation.as_json())
        return 0
    for part in detector.task.summary(evaluation):
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
