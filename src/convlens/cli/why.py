"""`convlens why`."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..reasons.section import MINUTES, SECTIONS
from .arguments import Subparsers, command
from .output import Bars, emit, emit_json, printable, table

if TYPE_CHECKING:
    from ..reasons.section import Case

EXAMPLES = """\
  convlens why                                        the lecture's arithmetic and its example
  convlens why "conv 6 5x5, pool 2, conv 16 5x5, dense 84" --size 32
  convlens why resnet18                               a published architecture's arithmetic
  convlens why lecture --pictures pictures/ --minutes 30
  convlens why runs/pictures --pictures pictures/     with what a trained detector has learned
  convlens why --pictures pictures/ --section examples"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "the case for convolutions: arithmetic, sharing, sparsity, translation, examples"
    parser = command(commands, "why", summary=summary, examples=EXAMPLES)
    parser.add_argument(
        "subject",
        nargs="?",
        metavar="NETWORK|DETECTOR",
        help="a network (line, name, timm:NAME), or a run's folder or detector file",
    )
    parser.add_argument(
        "--pictures", metavar="PICTURES", help="measure on these, as train takes them"
    )
    parser.add_argument("--section", choices=SECTIONS, metavar="NAME", help=", ".join(SECTIONS))
    parser.add_argument(
        "--size", type=int, metavar="N", help="a network's pictures' side in pixels"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        metavar="X",
        help=f"about how long experiments may take [{MINUTES:g}]",
    )
    parser.add_argument(
        "--out", metavar="FOLDER", help="where the page goes [why/NAME, with pictures]"
    )
    parser.add_argument("--json", action="store_true", help="print every number as JSON")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Make the case and print it."""
    from ..reasons.run import why

    with Bars() as bars:
        case = why(
            asked.subject,
            asked.pictures,
            section=asked.section,
            out=asked.out,
            size=asked.size,
            minutes=asked.minutes,
            progress=bars.progress,
        )
    if asked.json:
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
        for one in section.tables:
            yield "\n" + one.title
            yield table(list(one.heads), [list(row) for row in one.rows], left=one.left)
        for note in section.notes:
            yield f"\n{note}"
