"""`convlens why`."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...reasons.section import MINUTES, SECTIONS
from ..arguments import Parser, add_output, add_seed
from ..output import emit, emit_json, printable, table
from ..progress import Bars

if TYPE_CHECKING:
    from ...reasons.section import Case

SUMMARY = "show in numbers why convolutions work"
EXAMPLES = """\
  convlens why                                     the lecture's own example
  convlens why "conv 6 5x5, pool 2, conv 16 5x5, dense 84" --size 32
  convlens why resnet18                            a published architecture
  convlens why lecture --pictures pictures/ --minutes 30
  convlens why runs/pictures --pictures pictures/  what a detector has learned
  convlens why --pictures pictures/ --section examples"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument(
        "subject",
        nargs="?",
        metavar="NETWORK|DETECTOR",
        help="a network's line or name, or a run's folder or detector file",
    )
    parser.add_argument(
        "--pictures", metavar="PICTURES", help="measure on them; labelled, as for train"
    )
    parser.add_argument("--section", choices=SECTIONS, metavar="NAME", help=", ".join(SECTIONS))
    parser.add_argument("--size", type=int, metavar="PIXELS", help="side of the network's pictures")
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        metavar="MINUTES",
        help=f"time for experiments, about [{MINUTES:g}]",
    )
    parser.add_argument(
        "--beside", metavar="RUN", help="another run: how much its layers resemble the detector's"
    )
    add_seed(parser, "for splits, parameters and draws")
    parser.add_argument(
        "--out", metavar="FOLDER", help="where the page is written [auto: why/NAME]"
    )
    add_output(parser, json="print every number as JSON")


def run(args: argparse.Namespace) -> int:
    """Make the case and print it."""
    from ...reasons.run import why

    with Bars(args.quiet) as bars:
        case = why(
            args.subject,
            args.pictures,
            section=args.section,
            out=args.out,
            size=args.size,
            minutes=args.minutes,
            seed=args.seed,
            beside=args.beside,
            progress=bars.progress,
        )
    if args.json:
        emit_json(case.as_json())
        return 0
    for line in lines(case):
        emit(printable(line) if "\n" not in line else line)
    if case.folder is not None:
        emit(f"\npage     {case.folder / 'why.html'}")
    return 0


def lines(case: "Case") -> Iterator[str]:
    """The case as text."""
    for section in case.sections:
        yield f"\n{section.title}\n{'━' * len(section.title)}"
        for claim in section.claims:
            yield f"• {claim.says}:"
            yield f"  {claim.figure}"
            yield f"  → {claim.verdict} ({claim.rule})"
        if section.sketch:
            yield "\n" + section.sketch
        for part in section.tables:
            yield "\n" + part.title
            yield table(list(part.heads), [list(row) for row in part.rows], left=part.left)
        for note in section.notes:
            yield f"\n{note}"
