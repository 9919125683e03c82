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
    from ..evaluation.evaluate import evaluate

    with Bars() as bars:
        evaluation = evaluate(
            asked.detector, asked.pictures, split=asked.split, progress=bars.progress
        )
    if asked.json:
        emit_json(evaluation.as_json())
        return 0
    metrics = evaluation.metrics
    low, high = metrics.interval
    emit(f"n                 {metrics.n:,}")
    if metrics.coverage < 1:
        emit(f"answered          {metrics.coverage:.2%}  (the others are called unsure)")
    emit(f"accuracy          {metrics.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%})")
    low, high = metrics.balanced_interval
    emit(
        f"balanced accuracy {metrics.balanced_accuracy:.2%}  "
        f"(95 % interval {low:.2%} to {high:.2%})"
    )
    emit(f"majority baseline {metrics.majority_baseline:.2%}")
    emit(f"cost J            {metrics.cost:.4f} nats")
    emit(f"calibration error {metrics.ece:.2%}")
    emit("")
    rows = [
        [printable(label), f"{c.support:,}", f"{c.recall:.2%}", f"{c.precision:.2%}", f"{c.f1:.2%}"]
        for label, c in metrics.per_class.items()
    ]
    emit(table(["class", "pictures", "recall", "precision", "F1"], rows))
    if len(metrics.labels) <= 20:
        emit("\ntrue \\ predicted")
        cells = [
            [printable(label), *map(str, counts)]
            for label, counts in zip(metrics.labels, metrics.confusion, strict=True)
        ]
        emit(table(["", *map(printable, metrics.labels)], cells))
    if evaluation.mistakes:
        emit("\nthe worst mistakes")
        for mistake in evaluation.mistakes[:10]:
            emit(
                f"  {printable(mistake.label)}, predicted {printable(mistake.predicted)} "
                f"({mistake.probability:.1%})  {printable(mistake.name)}"
            )
    if evaluation.skipped:
        emit(f"\n{len(evaluation.skipped)} files were left out")
        for name, reason in evaluation.skipped[:10]:
            emit(f"  {printable(name)}: {printable(reason)}")
    return 0
