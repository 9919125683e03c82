"""`convlens shard`."""

import argparse

from ..pictures.shards.find import MEGABYTES
from .arguments import Subparsers, command
from .output import Bars, emit, emit_json, printable

EXAMPLES = """\
  convlens shard pictures/ --out shards/
  convlens shard table.parquet --out shards/ --megabytes 1000
  convlens train shards/
  convlens train 'https://example.org/cells/train-{000000..000127}.tar'
  convlens train s3://bucket/cells/"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "write labelled pictures as shards, to be read as a stream from anywhere"
    parser = command(commands, "shard", summary=summary, examples=EXAMPLES)
    parser.add_argument("pictures", help="labelled pictures, as for train")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="the folder to make")
    parser.add_argument(
        "--megabytes", type=float, default=MEGABYTES, metavar="X", help="of a shard [%(default)s]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="draws the order [0]")
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Write them, and tell how many."""
    from ..pictures.shards.write import shard

    with Bars() as bars:
        done = shard(
            asked.pictures,
            asked.out,
            megabytes=asked.megabytes,
            seed=asked.seed,
            progress=bars.progress,
        )
        if done.skipped:
            name, reason = done.skipped[0]
            bars.warn(
                f"{len(done.skipped):,} files are no pictures with a label and are left out; the "
                f"first, {printable(name)}: {reason}"
            )
    if asked.json:
        emit_json({"folder": str(done.folder), "shards": done.shards, "skipped": done.skipped})
    else:
        emit(f"{done.pictures:,} pictures in {len(done.shards):,} shards in {done.folder}")
    return 0
