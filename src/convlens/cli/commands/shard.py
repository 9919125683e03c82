"""`convlens shard`."""

import argparse

from ...pictures.shards.find import MEGABYTES
from ..arguments import Parser, add_boxes, add_output
from ..output import emit, emit_json, printable
from ..progress import Bars

SUMMARY = "write pictures as shards, to be read as a stream from anywhere"
EXAMPLES = """\
  convlens shard pictures/ --out shards/
  convlens shard table.parquet --out shards/ --megabytes 1000
  convlens train shards/
  convlens train 'https://example.org/cells/train-{000000..000127}.tar'
  convlens train s3://bucket/cells/"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument("pictures", metavar="PICTURES", help="labelled pictures, as for train")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="the folder to write")
    parser.add_argument(
        "--megabytes",
        type=float,
        default=MEGABYTES,
        metavar="N",
        help="size of a shard [%(default)s]",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="for the order of the pictures [0]"
    )
    add_boxes(parser)
    add_output(parser, json="print what was written as JSON")


def run(args: argparse.Namespace) -> int:
    """Write them, and tell how many."""
    from ...pictures.shards.write import shard

    with Bars(args.quiet) as bars:
        result = shard(
            args.pictures,
            args.out,
            megabytes=args.megabytes,
            seed=args.seed,
            boxes=args.boxes,
            progress=bars.progress,
        )
        if result.skipped:
            name, reason = result.skipped[0]
            bars.warn(
                f"{len(result.skipped):,} files are no pictures with a label and are left out; the "
                f"first, {printable(name)}: {reason}"
            )
    if args.json:
        emit_json(
            {"folder": str(result.folder), "shards": result.shards, "skipped": result.skipped}
        )
    else:
        count = len(result.shards)
        shards = "1 shard" if count == 1 else f"{count:,} shards"
        emit(f"{result.pictures:,} pictures in {shards}: {result.folder}")
    return 0
