"""`convlens compare`."""

import argparse

from ..arguments import Parser, add_output
from ..output import emit, emit_json, printable, table
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
    heads, rows = comparison.table()
    emit(table(heads, [[printable(cell) for cell in row] for row in rows]))
    emit("")
    for sentence in comparison.summary():
        emit(printable(sentence))
    return 0
