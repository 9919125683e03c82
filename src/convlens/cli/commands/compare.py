"""`convlens compare`."""

import argparse

from ..arguments import Parser, add_output
from ..output import duration, emit, emit_json, printable, table
from ..progress import Bars

SUMMARY = "say which run is better on the same held-out pictures"
EXAMPLES = """\
  convlens compare runs/pets runs/pets-2
  convlens compare runs/* --json"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders that train made")
    add_output(parser, json="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the table and what it means."""
    from ...evaluation.compare import compare

    with Bars(args.quiet) as bars:
        comparison = compare(args.runs, bars.progress)
    if args.json:
        emit_json(comparison.as_json())
        return 0
    heads = ["run", "accuracy", "95 % interval", "only this right", "only the first", "p", "MB"]
    rows = [
        [
            printable(contender.run),
            f"{contender.accuracy:.2%}",
            f"{contender.accuracy_interval[0]:.1%} to {contender.accuracy_interval[1]:.1%}",
            "" if contender.p is None else f"{contender.only_this:,}",
            "" if contender.p is None else f"{contender.only_best:,}",
            "" if contender.p is None else f"{contender.p:.2g}",
            f"{contender.megabytes:.1f}",
            f"{contender.parameters:,}",
            "" if contender.milliseconds is None else f"{contender.milliseconds:.1f}",
            duration(contender.train_seconds),
        ]
        for contender in comparison.contenders
    ]
    emit(table([*heads, "parameters", "ms/picture", "trained"], rows))
    emit(f"\non the {comparison.pictures:,} pictures that all of them held out")
    first, *others = comparison.contenders
    for other in others:
        assert other.p is not None  # noqa: S101
        verdict = "is less accurate than" if other.p < 0.05 else "cannot be told from"
        test = f"McNemar's exact p = {other.p:.2g}"
        emit(f"{printable(other.run)} {verdict} {printable(first.run)} ({test})")
    return 0
