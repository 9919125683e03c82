"""`convlens train`."""

import argparse
import gc
import sys
from typing import TYPE_CHECKING

from ...errors import UsageError, require
from ...parallel import worker
from ...stopwatch import Stopwatch, told
from ..arguments import Parser, add_output, add_train_options, train_options
from ..output import emit, emit_json, printable
from ..progress import Bars

if TYPE_CHECKING:
    from ...training.run import Run

SUMMARY = "train a detector from labelled pictures"
EXAMPLES = """\
  convlens train pictures/
  convlens train pictures/ --minutes 20 --out runs/long
  convlens train pictures/ --group '([^/]+)_\\d+\\.jpg'   # rex_01.jpg, …
  convlens train pictures/ --recall sick=0.95
  convlens train pictures/ --network "conv 16 5x5, pool 2, dense 64" --size 32
  convlens train --resume runs/long
  convlens train --repeat runs/long --out runs/again"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.usage = (
        "convlens train PICTURES [options]\n"
        "       convlens train --resume RUN\n"
        "       convlens train --repeat RUN [--out RUN]"
    )
    parser.add_argument(
        "pictures",
        nargs="?",
        metavar="PICTURES",
        help="a folder per class, pictures with boxes, a table, or shards",
    )
    parser.add_argument("--out", metavar="RUN", help="the run folder to write [auto: runs/NAME]")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped")
    parser.add_argument("--repeat", metavar="RUN", help="train again just as a run was trained")
    add_output(parser, json="print the metrics as JSON")
    add_train_options(parser)


def run(args: argparse.Namespace) -> int:
    """Train or resume, then print the metrics."""
    stopwatch = Stopwatch()
    options = train_options(args)
    if [args.pictures, args.resume, args.repeat].count(None) != 2:
        raise UsageError("train takes pictures, or --resume RUN, or --repeat RUN")
    if args.pictures is None and options:
        raise UsageError("--resume and --repeat go on exactly as the run began: give no options")
    if args.resume is not None and args.out is not None:
        raise UsageError("--resume goes on in the same folder: give no --out with it")
    require("torch", "train", what="training")
    first = worker()[0] == 0
    with Bars(args.quiet) as bars:
        if first and (not args.json or sys.stderr.isatty()):
            bars.say("convlens: loading PyTorch …")
        with stopwatch.part("importing"):
            gc.disable()  # what is imported stays: it need not be looked through again and again
            from ...training.train import repeat, resume, train

            gc.freeze()
            gc.enable()

        if args.resume is not None:
            finished = resume(args.resume, callback=bars, stopwatch=stopwatch)
        elif args.repeat is not None:
            finished = repeat(args.repeat, args.out, callback=bars, stopwatch=stopwatch)
        else:
            finished = train(args.pictures, args.out, callback=bars, stopwatch=stopwatch, **options)
    if not first:  # of several workers, the first one has the metrics
        return 0
    if args.json:
        emit_json(
            {"run": str(finished.folder), "detector": str(finished.detector), **finished.metrics}
        )
        return 0
    _print(finished)
    return 0


def _print(run: "Run") -> None:
    """The metrics of a run, and where it is."""
    if run.metrics.get("task") == "boxes":
        _print_boxes(run)
    else:
        _print_classes(run)
    emit(f"time     {told(run.metrics['seconds'])}")
    emit(
        f"detector {run.detector}  ({run.detector.stat().st_size / 1e6:.1f} MB, "
        f"{run.metrics['training']['multiplications']:,} multiplications per answer)"
    )
    emit(f"report   {run.folder / 'report.html'}")


def _print_boxes(run: "Run") -> None:
    """What a detector of boxes found in pictures that it did not learn from."""
    test, parity = run.metrics["test"], run.metrics["parity"]
    if test is not None and test["AP50"] is not None:
        low, high = test["AP50_interval"]
        emit(
            f"AP50     {test['AP50']:.1%} on {test['n']:,} held-out pictures with "
            f"{test['objects']:,} objects (95 % interval {low:.1%} to {high:.1%}); "
            f"AP {test['AP']:.1%}"
        )
        emit(f"counts   right in {test['counts_right']:.0%} of the pictures")
    emit(f"answers  {printable(run.metrics['rule_sentence'])}")
    emit(
        f"parity   file and network differ by {parity['largest_difference_pixels']:.1g} pixels "
        f"and a score of {parity['largest_difference']:.1g} at most on {parity['pictures']:,} "
        "pictures"
    )


def _print_classes(run: "Run") -> None:
    """What a detector of classes answered to pictures that it did not learn from."""
    test, folds, plain = (run.metrics[name] for name in ("test", "folds", "plain"))
    if test is not None:
        low, high = test["accuracy_interval"]
        pictures = f"{test['n']:,} held-out pictures"
        if folds > 1:
            pictures = f"{test['n']:,} pictures, each left out once ({folds} folds)"
        if plain is not None:
            from_, to = test["balanced_accuracy_interval"]
            emit(
                f"balanced accuracy {test['balanced_accuracy']:.1%} on {pictures} "
                f"(95 % interval {from_:.1%} to {to:.1%}; "
                f"{plain['balanced_accuracy']:.1%} if classes did not count alike)"
            )
        emit(
            f"accuracy {test['accuracy']:.1%} on {pictures} "
            f"(95 % interval {low:.1%} to {high:.1%}; always the commonest class: "
            f"{test['majority_baseline']:.1%})"
        )
    for sentence in run.metrics["advice"]:
        emit(f"recall   {printable(sentence)}")
    parity = run.metrics["parity"]
    emit(
        f"parity   file and network differ by {parity['largest_difference']:.1g} at most "
        f"in {parity['comparisons']:,} comparisons"
    )
