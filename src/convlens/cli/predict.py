"""`convlens predict`."""

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import ConvlensError, UsageError
from ..parallel import worker
from .arguments import Subparsers, add_pictures, command
from .output import Bars, emit, named, printable

if TYPE_CHECKING:
    from ..detector.detector import Detector
    from ..tasks.task import Prediction

EXAMPLES = """\
  convlens predict detector.onnx photo.jpg
  convlens predict detector.onnx photos/ --csv > answers.csv
  convlens predict detector.onnx 'photos/*.jpg' --json --top 3
  find . -name '*.jpg' | convlens predict detector.onnx -
  convlens predict strangers.onnx photo.jpg --isolate
  convlens predict detector.onnx s3://bucket/archive/ --share 3/8 --out answers/"""

MEMORY, SECONDS = 4 << 30, 60
LIMITED = (
    "import resource, sys\n"
    f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
    "from convlens.cli import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = command(commands, "predict", summary="say what is in pictures", examples=EXAMPLES)
    add_pictures(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON array, one object per picture")
    form.add_argument("--csv", action="store_true", help="CSV with every class's probability")
    parser.add_argument("--top", type=int, default=1, metavar="K", help="show K classes [1]")
    parser.add_argument(
        "--isolate",
        action="store_true",
        help=f"for a stranger's detector: in a process of its own, with {MEMORY >> 30} GiB of "
        f"memory and {SECONDS} s for each step forward",
    )
    parser.add_argument(
        "--share",
        metavar="K/N",
        help="only part K, from 1, of N: whole shards, and every N-th file [as torchrun has it]",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="of shards: a CSV for each, written when it is complete; those there are passed over",
    )
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print a row per picture; the status is 1 if one could not be read."""
    if asked.top < 1:
        raise UsageError(f"--top {asked.top}: it takes 1 or more")
    share = _share(asked)
    if asked.isolate and (asked.out or share[1] > 1):
        raise UsageError("--isolate goes with neither --out nor --share")
    if asked.isolate:
        return _isolated(asked)
    if asked.out:
        return _into_folder(asked, share)
    from ..detector.detector import Detector

    detector = Detector(asked.detector)
    predictions = detector.predict_many(named(asked.paths), share=share)
    show = _print_json if asked.json else _print_csv if asked.csv else _print_lines
    failed, count = show(predictions, detector, asked.top)
    if not count:
        print("convlens: error: no pictures there", file=sys.stderr)  # noqa: T201
    elif failed:
        print(f"convlens: {failed} of {count} could not be read", file=sys.stderr)  # noqa: T201
    return 1 if failed or not count else 0


def _share(asked: argparse.Namespace) -> tuple[int, int]:
    """Which part is this process's, from 0, of how many. Raises `UsageError`."""
    if asked.share is None:
        number, count = worker()
        if count > 1 and not asked.out:
            raise UsageError(
                "several processes would print into one output: give --out FOLDER, or each its "
                "own --share K/N and output"
            )
        return number, count
    words = asked.share.split("/")
    if len(words) != 2 or not all(word.isdecimal() for word in words):
        raise UsageError(f"--share {asked.share}: it takes K/N, such as 1/8")
    number, count = (int(word) for word in words)
    if not 1 <= number <= count:
        raise UsageError(f"--share {asked.share}: K can be 1 to {count}")
    return number - 1, count


def _into_folder(asked: argparse.Namespace, share: tuple[int, int]) -> int:
    """A table for each shard."""
    from ..detector.archive import predict_shards

    if asked.json or asked.top > 1:
        raise UsageError("--out writes CSV with every class: give neither --json nor --top")
    with Bars() as bars:
        progress = bars.progress if share[0] == 0 else lambda *_: None
        done = predict_shards(
            asked.detector, named(asked.paths), out=asked.out, share=share, progress=progress
        )
    part = f"part {share[0] + 1} of {share[1]}: " if share[1] > 1 else ""
    before = f"; {done.before:,} were there already" if done.before else ""
    failed = f", {done.unreadable:,} of them unreadable" if done.unreadable else ""
    emit(f"{part}{done.pictures:,} pictures{failed}, in {done.shards:,} shards{before}")
    return 1 if done.unreadable else 0


def _isolated(asked: argparse.Namespace) -> int:
    """The same command in a child whose memory and time are limited; what it prints is passed on.

    Raises `ConvlensError` where the child crashes, or is silent for too long.
    """
    import selectors
    import subprocess

    words = [sys.executable, "-c", LIMITED, "predict", "--top", str(asked.top)]
    words += [f"--{form}" for form in ("json", "csv") if getattr(asked, form)]
    words += ["--", asked.detector, *asked.paths]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as child:  # noqa: S603
        assert child.stdout is not None  # noqa: S101
        chosen = selectors.DefaultSelector()
        chosen.register(child.stdout, selectors.EVENT_READ)
        while chosen.select(SECONDS):
            data = os.read(child.stdout.fileno(), 1 << 16)
            if not data:
                break
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            child.kill()
            raise ConvlensError(f"{asked.detector} was silent for {SECONDS} s and was stopped")
    if child.returncode < 0:
        raise ConvlensError(
            f"{asked.detector} crashed (signal {-child.returncode}): it is damaged, or made to harm"
        )
    return child.returncode


def _print_lines(
    predictions: "Iterable[Prediction]", detector: "Detector", top: int
) -> tuple[int, int]:
    failed = count = 0
    for prediction in predictions:
        count += 1
        failed += prediction.error is not None
        emit(printable(detector.task.line(prediction, top)))
    return failed, count


def _print_json(
    predictions: "Iterable[Prediction]", detector: "Detector", top: int
) -> tuple[int, int]:
    failed = count = 0
    emit("[")
    for prediction in predictions:
        content = detector.task.as_json(prediction, top if top > 1 else None)
        emit((",\n" if count else "") + json.dumps(content))
        count += 1
        failed += prediction.error is not None
    emit("]")
    return failed, count


def _print_csv(
    predictions: "Iterable[Prediction]", detector: "Detector", top: int
) -> tuple[int, int]:
    failed = count = 0
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(detector.task.columns(detector.labels))
    for prediction in predictions:
        count += 1
        failed += prediction.error is not None
        writer.writerow(detector.task.cells(prediction))
    return failed, count
