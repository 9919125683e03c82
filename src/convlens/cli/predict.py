"""`convlens predict`."""

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .arguments import Subparsers, command
from .output import emit, printable, stdin_lines

if TYPE_CHECKING:
    from ..detector.detector import Prediction

EXAMPLES = """\
  convlens predict detector.onnx photo.jpg
  convlens predict detector.onnx photos/ --csv > answers.csv
  convlens predict detector.onnx 'photos/*.jpg' --json --top 3
  find . -name '*.jpg' | convlens predict detector.onnx -"""

STRANGE = "  (strange: unlike the pictures that it learnt from)"


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = command(commands, "predict", "say what is in pictures", EXAMPLES)
    parser.add_argument("detector", help="a detector.onnx, or its run folder")
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files, folders, patterns; - reads a list of paths from standard input",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON array, one object per picture")
    form.add_argument("--csv", action="store_true", help="CSV with every class's probability")
    parser.add_argument("--top", type=int, default=1, metavar="K", help="show K classes [1]")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print a row per picture; the status is 1 if one could not be read."""
    from ..detector.detector import Detector
    from ..detector.predict import predict

    if asked.top < 1:
        raise UsageError(f"--top {asked.top}: it takes 1 or more")
    detector = Detector(asked.detector)
    paths = [p for path in asked.paths for p in (stdin_lines() if path == "-" else [path])]
    rows = predict(detector, paths)
    write = _write_json if asked.json else _write_csv if asked.csv else _write_lines
    failed, seen = write(rows, detector.labels, asked.top)
    if not seen:
        print("convlens: error: no pictures there", file=sys.stderr)  # noqa: T201
    elif failed:
        print(f"convlens: {failed} of {seen} could not be read", file=sys.stderr)  # noqa: T201
    return 1 if failed or not seen else 0


def _write_lines(
    rows: "Iterable[Prediction]", labels: tuple[str, ...], top: int
) -> tuple[int, int]:
    from ..detector.rule import UNSURE

    failed = seen = 0
    width = max(map(len, (*labels, UNSURE)))
    for row in rows:
        seen += 1
        name = printable(row.name)
        if row.error is not None:
            failed += 1
            emit(f"{'error':<{width}}          {name}: {printable(row.error)}")
            continue
        shown = row.top(top) if top > 1 else [(row.label or "", row.probability or 0.0)]
        best = "  ".join(f"{printable(k):<{width}} {p:7.2%}" for k, p in shown)
        emit(f"{best}  {name}{STRANGE if row.strange else ''}")
    return failed, seen


def _write_json(rows: "Iterable[Prediction]", labels: tuple[str, ...], top: int) -> tuple[int, int]:
    failed = seen = 0
    emit("[")
    for row in rows:
        value: dict[str, Any] = {"path": row.name, "label": row.label}
        value["probability"] = row.probability
        value["strangeness"] = row.strangeness
        if row.error is not None:
            failed += 1
            value["error"] = row.error
        else:
            value["probabilities"] = dict(row.top(top if top > 1 else len(labels)))
        emit((",\n" if seen else "") + json.dumps(value))
        seen += 1
    emit("]")
    return failed, seen


def _write_csv(rows: "Iterable[Prediction]", labels: tuple[str, ...], top: int) -> tuple[int, int]:
    failed = seen = 0
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(
        [
            "path",
            "label",
            "probability",
            "strangeness",
            "error",
            *(f"p:{label}" for label in labels),
        ]
    )
    for row in rows:
        seen += 1
        if row.error is not None:
            failed += 1
            writer.writerow([row.name, "", "", "", row.error, *("" for _ in labels)])
            continue
        every = dict(row.top(len(labels)))
        strangeness = "" if row.strangeness is None else row.strangeness
        values = (every[k] for k in labels)
        writer.writerow([row.name, row.label, row.probability, strangeness, "", *values])
    return failed, seen
