"""`convlens bench`."""

import argparse
from typing import TYPE_CHECKING

from ...errors import require
from ..arguments import Parser, add_output
from ..output import emit, emit_json, table
from ..progress import Bars

if TYPE_CHECKING:
    from ...speed.bench import Speed

SUMMARY = "measure how fast this machine reads, trains and predicts"
EXAMPLES = """\
  convlens bench                                with a network for 64 pixels
  convlens bench quick --size 32 --batch 512 --profile
  convlens bench "conv 16 5x5, pool 2, dense 64" --size 48 --pictures photos/
  convlens bench resnet18 --size 128 --compute float32 --json"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument(
        "network", nargs="?", default="auto", metavar="NETWORK", help="a line or a name [auto]"
    )
    parser.add_argument(
        "--size", type=int, default=64, metavar="PIXELS", help="side of its pictures [64]"
    )
    parser.add_argument("--classes", type=int, default=10, metavar="N", help="its classes [10]")
    parser.add_argument(
        "--batch", type=int, default=256, metavar="N", help="pictures per step [256]"
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="processor threads [auto: all cores]"
    )
    parser.add_argument(
        "--compute", default="auto", metavar="NAME", help="as for train [auto: all, each timed]"
    )
    parser.add_argument(
        "--pictures", metavar="FOLDER", help="whose first files are read [auto: made ones]"
    )
    parser.add_argument("--profile", action="store_true", help="time each layer by itself")
    add_output(parser, json="print all as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    require("torch", "train", what="training")
    names = ("network", "size", "classes", "batch", "threads", "compute", "pictures", "profile")
    with Bars(args.quiet) as bars:
        from ...speed.bench import bench

        speed = bench(**{name: getattr(args, name) for name in names}, progress=bars.progress)
    if args.json:
        emit_json(speed.as_json())
    else:
        emit(_describe(speed))
    return 0


def _describe(speed: "Speed") -> str:
    machine, limits = speed.machine, speed.limits
    products = ", ".join(
        f"{name} {2 * rate / 1e9:,.0f} GFLOP/s" for name, rate in limits.products.items()
    )
    ways = sorted(speed.training.items(), key=lambda item: -item[1])
    text = [
        f"machine   {machine['processor']}, {machine['threads']} threads; torch {machine['torch']}",
        f"limits    products {products}; memory {limits.bytes / 1e9:,.1f} GB/s",
        f"read      {speed.decode:,.0f} pictures/s decoded, {speed.resize:,.0f} resized to "
        f"{speed.size}×{speed.size}",
        f"network   {speed.parameters:,} parameters, {speed.multiplications:,} multiplications "
        "per picture",
        "train     " + ", ".join(f"{name} {rate:,.0f} pictures/s" for name, rate in ways),
        "a step    " + ", ".join(f"{name} {share:.1%}" for name, share in speed.stages.items()),
        f"          {speed.roofline_fraction:.0%} of what this machine's products allow",
        f"predict   {speed.predict:,.0f} pictures/s from the detector file, decoding included, "
        "each with its mirror image",
    ]
    if speed.layers:
        rows = [
            [
                f"{layer.name}  {layer.kind}",
                "×".join(map(str, layer.out)),
                f"{1000 * layer.forward:.2f}",
                f"{1000 * layer.backward:.2f}",
                f"{layer.share:.1%}",
                f"{layer.roofline_fraction:.0%}",
            ]
            for layer in speed.layers
        ]
        head = ["layer", "output", "forward ms", "backward ms", "share", "of the limit"]
        text += ["", table(head, rows)]
    return "\n".join(text)
