"""`convlens inspect`."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..arguments import Parser, add_boxes, add_output, add_seed
from ..output import emit, emit_json, printable, table
from ..progress import Bars

if TYPE_CHECKING:
    from ...inspection.box_errors import BoxIssue
    from ...inspection.findings import Finding
    from ...inspection.learning_curve import LearningCurve

SUMMARY = "say what is wrong with pictures before any training"
EXAMPLES = """\
  convlens inspect pictures/
  convlens inspect pictures/ --labels                which are probably wrong
  convlens inspect pictures/ --more                  would more pictures help?
  convlens inspect scans/ --group 'patient-(\\d+)'    groups stay together
  convlens inspect table.csv --json > findings.json
  convlens inspect street/ --report page.html        with the boxes drawn
  convlens inspect street/ --labels --minutes 10     boxes missing or wrong"""

SHOWN = 3
"""Pictures, or clusters of them, that are named where there are more."""
MOST_CLASSES = 40
"""Classes, in all splits, that the table shows."""
LISTED = 20
"""The same of labels that are probably wrong."""
LEARNT = "  → training learns them as they are: look at each, and correct those that are wrong"


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument(
        "pictures", metavar="PICTURES", help="labelled pictures, or pictures with boxes"
    )
    parser.add_argument(
        "--labels", action="store_true", help="find labels that are probably wrong (some minutes)"
    )
    parser.add_argument(
        "--more", action="store_true", help="estimate what more pictures bring (some minutes)"
    )
    parser.add_argument(
        "--group", metavar="REGEX", help="paths with the same match are a group, as for train"
    )
    parser.add_argument(
        "--size",
        type=int,
        metavar="PIXELS",
        help="side at which pictures are compared [128], or small objects told [training's]",
    )
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="for --labels of boxes [as for training]"
    )
    add_seed(parser, "for what --labels and --more draw")
    add_boxes(parser)
    parser.add_argument("--report", metavar="FILE", help="write a page of it, with pictures")
    parser.add_argument(
        "--all", action="store_true", help="show every class, and name every picture"
    )
    add_output(parser, json="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the table and the findings."""
    from ...inspection.inspect import inspect

    with Bars(args.quiet) as bars:
        inspection = inspect(
            args.pictures,
            args.size,
            group=args.group,
            labels=args.labels,
            more=args.more,
            seed=args.seed,
            minutes=args.minutes,
            boxes=args.boxes,
            report=args.report,
            progress=bars.progress,
        )
    if args.json:
        emit_json(inspection.as_json())
        return 0
    if inspection.boxes is not None:
        emit(f"{inspection.summary()}\n")
    classes = inspection.classes
    if len(classes) > MOST_CLASSES and not args.all:
        classes = tuple(sorted(classes, key=lambda row: row.pictures)[:MOST_CLASSES])
        emit(f"the {len(classes)} smallest of {len(inspection.classes):,} (--all shows all)")
    heads, rows = inspection.table(classes)
    emit(table(heads, [[printable(cell) for cell in row] for row in rows], left=2))
    if not inspection.findings:
        emit("\nnothing is wrong that can be seen without training")
    for finding in inspection.findings:
        _show(finding, None if args.all else SHOWN)
    if inspection.labels is not None:
        emit(f"\n{len(inspection.labels):,} labels are probably wrong, the surest first")
        told = [
            f"{printable(suspect.label)} looks like {printable(suspect.suggested)} "
            f"({suspect.probability:.1%})  {printable(suspect.name)}"
            for suspect in inspection.labels
        ]
        _list(told, None if args.all else LISTED)
        emit(LEARNT)
    if inspection.box_labels is not None:
        _show_box_labels(inspection.box_labels, None if args.all else LISTED)
    if inspection.more is not None:
        _show_more(inspection.more)
    return 0


def _show_box_labels(issues: "tuple[BoxIssue, ...]", most: int | None) -> None:
    if not issues:
        emit("\nno box is probably wrong or missing")
        return
    emit(f"\nboxes that are probably wrong or missing, the surest first: {len(issues):,}")
    told = []
    for issue in issues:
        edges = ", ".join(f"{at:.0f}" for at in issue.box)
        said = f"{issue.said} ({issue.probability:.1%}) at ({edges})"
        told.append(f"{printable(said)}  {printable(issue.name)}")
    _list(told, most)
    emit(LEARNT)


def _list(lines: Sequence[str], most: int | None) -> None:
    """So many lines, and how many more there are."""
    for line in lines[:most]:
        emit(f"  {line}")
    if most is not None and len(lines) > most:
        emit(f"  … {len(lines) - most:,} more (--all names them)")


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
    told = []
    for names in finding.pictures:
        shown = names if most is None else names[:4]
        more = f"  and {len(names) - len(shown):,} more" if len(shown) < len(names) else ""
        told.append(f"{'  =  '.join(map(printable, shown))}{more}")
    _list(told, most)
    emit(f"  → training {printable(finding.training)}")
