"""`convlens train`."""

import argparse
import sys
from pathlib import Path

from ..errors import UsageError, require
from ..parallel import worker
from .arguments import Subparsers, add_stages, command, given
from .output import Bars, emit, emit_json

EXAMPLES = """\
  convlens train pictures/
  convlens train pictures/ --minutes 20 --out runs/long
  convlens train pictures/ --network "conv 16 5x5, pool 2, conv 32 5x5, pool 2, dense 64" --size 32
  convlens train pictures/ --preset quick
  convlens train table.csv --optimizer momentum --epochs 30 --augment none
  convlens train --resume runs/long"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = command(
        commands, "train", summary="train a detector from labelled pictures", examples=EXAMPLES
    )
    parser.add_argument(
        "pictures",
        nargs="?",
        help="a folder with one folder per class (also under train, val, test), "
        "a CSV or Parquet table, or shards (a folder, pattern or address of .tar files)",
    )
    parser.add_argument("--out", metavar="RUN", help="the run folder to make [runs/NAME]")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    add_stages(parser)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Train or resume, then print the figures."""
    options = given(asked)
    if (asked.pictures is None) == (asked.resume is None):
        raise UsageError("train takes pictures, or --resume RUN")
    if asked.resume is not None and (options or asked.out):
        raise UsageError("--resume goes on exactly as the run began: give no other option with it")
    require("torch", "train", what="training")
    first = worker()[0] == 0
    with Bars() as bars:
        if first and (not asked.json or sys.stderr.isatty()):
            bars.say("convlens: loading PyTorch …")
        from ..training.train import resume, train

        if asked.resume is not None:
            done = resume(asked.resume, bars)
        else:
            done = train(asked.pictures, asked.out, callback=bars, **options)
    if not first:  # of several workers, the first one has the figures
        return 0
    if asked.json:
        emit_json({"run": str(done.folder), "detector": str(done.detector), **done.metrics})
        return 0
    test = done.metrics["test"]
    if test is not None:
        low, high = test["interval"]
        folds = done.metrics["folds"]
        held = "held-out pictures"
        if folds > 1:
            held = f"pictures, each left out once ({folds} folds)"
        if done.metrics["plain"] is not None:
            from_, to = test["balanced_interval"]
            emit(
                f"balanced accuracy {test['balanced_accuracy']:.1%} on {test['n']:,} {held} "
                f"(95 % interval {from_:.1%} to {to:.1%}; "
                f"{done.metrics['plain']['balanced_accuracy']:.1%} if classes did not count alike)"
            )
        emit(
            f"accuracy {test['accuracy']:.1%} on {test['n']:,} {held} "
            f"(95 % interval {low:.1%} to {high:.1%}; always the commonest class: "
            f"{test['majority_baseline']:.1%})"
        )
    parity = done.metrics["parity"]
    emit(
        f"parity   file and network differ by {parity['largest_difference']:.1g} at most "
        f"on {parity['pictures']:,} pictures"
    )
    emit(f"detector {done.detector}  ({_megabytes(done.detector)})")
    emit(f"report   {done.folder / 'report.html'}")
    return 0


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
