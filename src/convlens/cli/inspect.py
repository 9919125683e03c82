"""`convlens inspect`."""

import argparse
from typing import TYPE_CHECKING

from .arguments import Subparsers, command
from .output import Bars, emit, emit_json, printable, table

if TYPE_CHECKING:
    from ..inspection.findings import Finding
    from ..inspection.learning_curve import LearningCurve

EXAMPLES = """\
  convlens inspect pictures/
  convlens inspect pictures/ --labels                    also which labels are probably wrong
  convlens inspect pictures/ --more                      would more pictures help?
  convlens inspect scans/ --group 'patient-(\\d+)'        groups that must not be split
  convlens inspect table.csv --json > findings.json      every picture by name"""

SHOWN = 3
"""Pictures, or clusters of them, that are named where there are more."""
LISTED = 20
"""The same of labels that are probably wrong."""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "say what is wrong with pictures before any training"
    parser = command(commands, "inspect", summary=summary, examples=EXAMPLES)
    parser.add_argument("pictures", help="a folder or table of labelled pictures, as train takes")
    parser.add_argument(
        "--labels", action="store_true", help="look for wrong labels too (takes some minutes)"
    )
    parser.add_argument(
        "--more",
        action="store_true",
        help="estimate what more pictures would bring (takes some minutes)",
    )
    parser.add_argument(
        "--group", metavar="REGEX", help="what it finds in a path is the picture's group"
    )
    parser.add_argument("--size", type=int, metavar="N", help="side at which to compare [128]")
    parser.add_argument("--all", action="store_true", help=f"name every picture, not {SHOWN}")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print the table and the findings."""
    from ..inspection.inspect import inspect

    with Bars() as bars:
        found = inspect(
            asked.pictures,
            asked.size,
            group=asked.group,
            labels=asked.labels,
            more=asked.more,
            progress=bars.progress,
        )
    if asked.json:
        emit_json(found.as_json())
        return 0
    rows = [
        [row.split, printable(row.label), f"{row.pictures:,}"]
        + [f"{side:,}" for side in (row.smallest, row.median, row.largest)]
        for row in found.classes
    ]
    heads = ["split", "class", "pictures", "smallest side", "median", "largest"]
    emit(table(heads, rows, left=2))
    if not found.findings:
        emit("\nnothing is wrong that can be seen without training")
    for finding in found.findings:
        _show(finding, None if asked.all else SHOWN)
    if found.labels is not None:
        emit(f"\n{len(found.labels):,} labels are probably wrong, the surest first")
        for one in found.labels[: None if asked.all else LISTED]:
            emit(
                f"  {printable(one.label)} looks like {printable(one.suggested)} "
                f"({one.probability:.1%})  {printable(one.name)}"
            )
        if not asked.all and len(found.labels) > LISTED:
            emit(f"  … {len(found.labels) - LISTED:,} more (--all names them)")
        emit("  → training learns them as they are: look at each, and correct those that are wrong")
    if found.more is not None:
        _show_more(found.more)
    return 0


def _show_more(curve: "LearningCurve") -> None:
    emit("\nwould more pictures help? (a linear head on pretrained features)")
    rows = [
        [
            f"{point.pictures:,}",
            f"{1 - point.error:.1%}",
            f"{1 - point.interval[1]:.1%} to {1 - point.interval[0]:.1%}",
            how,
        ]
        for how, points in (("measured", curve.measured), ("expected", curve.expected))
        for point in points
    ]
    emit(table(["learnt from", "accuracy", "95 %", ""], rows, left=0))
    now, then = curve.measured[-1].error, curve.expected[0].error
    spared = f"{max(0.0, 1 - then / now) if now else 0.0:.0%} of the mistakes"
    emit(
        f"  → twice as many would spare about {spared}: they help"
        if curve.helps
        else f"  → twice as many would spare about {spared}, as far as can be told: better labels, "
        "or pictures of what goes wrong, help more"
    )


def _show(finding: "Finding", most: int | None) -> None:
    emit(f"\n{printable(finding.what)}")
    for names in finding.pictures[:most]:
        shown = names if most is None else names[:4]
        more = f"  and {len(names) - len(shown):,} more" if len(shown) < len(names) else ""
        emit(f"  {'  =  '.join(map(printable, shown))}{more}")
    if most is not None and len(finding.pictures) > most:
        emit(f"  … {len(finding.pictures) - most:,} more (--all names them)")
    emit(f"  → training {printable(finding.training)}")
