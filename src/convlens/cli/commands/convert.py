"""`convlens convert`."""

import argparse

from ..arguments import Parser, add_boxes, add_output
from ..output import emit, emit_json, printable
from ..progress import Bars

SUMMARY = "write pictures with boxes in the form of another program"
EXAMPLES = """\
  convlens convert street/ --to coco --out street-coco/
  convlens convert annotations.json --to yolo --out street-yolo/
  convlens convert boxes.csv --to voc --out street-voc/ --boxes xywh"""
FORMS = ("coco", "yolo", "voc")


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument("pictures", metavar="PICTURES", help="pictures with boxes, in any form")
    parser.add_argument(
        "--to", choices=FORMS, required=True, help="COCO's JSON, YOLO's folders, Pascal VOC's XML"
    )
    parser.add_argument("--out", metavar="FOLDER", required=True, help="the folder to write")
    add_boxes(parser)
    add_output(parser, json="print what was written as JSON")


def run(args: argparse.Namespace) -> int:
    """Write them, and tell what was left out."""
    from ...pictures.boxes.write.convert import convert

    with Bars(args.quiet) as bars:
        result = convert(
            args.pictures, args.out, to=args.to, boxes=args.boxes, progress=bars.progress
        )
        left_out = [*result.skipped, *((fault.where, fault.what) for fault in result.faults)]
        if left_out:
            name, reason = left_out[0]
            bars.warn(
                f"{len(left_out):,} files or boxes are left out or mended ('convlens inspect' "
                f"lists them); the first, {printable(name)}: {printable(reason)}"
            )
    if args.json:
        emit_json(
            {
                "folder": str(result.folder),
                "pictures": result.pictures,
                "boxes": result.boxes,
                "lost": result.lost,
                "skipped": result.skipped,
            }
        )
        return 0
    emit(f"{result.boxes:,} boxes in {result.pictures:,} pictures: {result.folder}")
    if result.lost:
        lost = ", ".join(f"{printable(name)} ({count:,})" for name, count in result.lost.items())
        emit(f"{args.to} cannot carry: {lost}")
    return 0
