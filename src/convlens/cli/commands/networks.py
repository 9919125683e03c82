"""`convlens networks`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError, require
from ..arguments import Parser, add_output
from ..output import complain, emit, emit_json, printable, table
from ..progress import Bars

if TYPE_CHECKING:
    from ...efficiency.comparison import NetworkComparison
    from ...network.spec import Architecture

SUMMARY = "print a network's layers and costs, or measure some on pictures"
EXAMPLES = """\
  convlens networks                              names, and how to write one
  convlens networks lecture --size 32 --classes 10
  convlens networks "conv 6 5x5, pool 2, dense 120" --size 32
  convlens networks auto --size 128 --suits 2000     a line to edit for train
  convlens networks --measure pictures/          which installed one suits them
  convlens networks --measure pictures/ timm:resnet50 --weights hub
  convlens networks --measure pictures/ --chart chart.svg --json > measured.json"""

MEASURING = ("weights", "group", "seed", "chart")
"""Options that say something of `--measure` only."""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument(
        "networks", nargs="*", metavar="NETWORK", help="a line of text, a name, or timm:NAME"
    )
    parser.add_argument(
        "--size", type=int, metavar="PIXELS", help="side of its pictures [auto: its own, or 64]"
    )
    parser.add_argument("--classes", type=int, metavar="N", help="its classes [2]")
    parser.add_argument(
        "--suits",
        type=int,
        metavar="N",
        help="how many training pictures auto is to suit [2000]",
    )
    measuring = parser.add_argument_group("measuring, on your own pictures")
    measuring.add_argument(
        "--measure",
        metavar="PICTURES",
        help="try pretrained networks on these: those installed, and those named",
    )
    measuring.add_argument(
        "--weights", metavar="WEIGHTS", help="of those named: hub or FILE.safetensors [package]"
    )
    measuring.add_argument(
        "--group", metavar="REGEX", help="paths with the same match are a group, as for train"
    )
    measuring.add_argument("--seed", type=int, metavar="N", help="draws the folds [0]")
    measuring.add_argument(
        "--chart", metavar="FILE", help="draw accuracy against time, as .svg or .png"
    )
    add_output(parser, json="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Print one network's table, the list of names, or what was measured."""
    if args.measure is not None:
        for name in ("classes", "suits"):
            if getattr(args, name) is not None:
                raise UsageError(f"--{name} does not go with --measure: the pictures tell")
        return _measure(args)
    for name in MEASURING:
        if getattr(args, name) is not None:
            raise UsageError(f"--{name} goes with --measure PICTURES")
    if len(args.networks) > 1:
        raise UsageError("give one network (a line of text in quotes), or --measure PICTURES")
    if not args.networks:
        _print_names(args)
    else:
        _print_network(_architecture(args.networks[0], args), args)
    return 0


def _measure(args: argparse.Namespace) -> int:
    """Measure, print, draw; 130 where Ctrl-C ended it early."""
    require("torch", "train", what="measuring networks")
    if args.chart is not None:
        from ...drawing.charts import check_chart

        check_chart(Path(args.chart))
    with Bars(args.quiet) as bars:
        bars.say("convlens: loading PyTorch …")
        from ...efficiency.measure import measure_networks

        comparison = measure_networks(
            args.measure,
            args.networks,
            weights=args.weights or "auto",
            size=args.size,
            group=args.group,
            seed=args.seed or 0,
            callback=bars,
        )
    if args.json:
        emit_json(comparison.as_json())
    else:
        _print_measured(comparison)
    if args.chart is not None:
        comparison.save_chart(args.chart)
    if not comparison.finished:
        complain("stopped: what is above was measured before")
        return 130
    return 0


def _print_measured(comparison: "NetworkComparison") -> None:
    heads, rows = comparison.table()
    emit(table(heads, [[printable(cell) for cell in row] for row in rows]))
    emit(
        f"\non {comparison.pictures:,} pictures of {len(comparison.classes)} classes, each answered"
        " by a linear head that did not learn from it; times are of one core of this machine, and p"
        " is McNemar's exact test against the first"
    )
    for name, why in comparison.not_measured.items():
        emit(f"{printable(name)} is not measured: {printable(why)}")
    emit(f"\n{printable(comparison.message)}\n  {printable(comparison.train_command())}")


def _architecture(name: str, args: argparse.Namespace) -> "Architecture":
    from ...network.named import describe_network, line_of, usual_size

    pictures = 2000 if args.suits is None else args.suits
    size = args.size
    if size is None:
        size = usual_size(line_of(name, 64, pictures=pictures)) or 64
    classes = 2 if args.classes is None else args.classes
    return describe_network(name, size, classes=classes, pictures=pictures)


def _print_names(args: argparse.Namespace) -> None:
    from ...network.named import NAMED, PUBLISHED
    from ...network.parse import GRAMMAR

    networks: dict[str, Architecture] = {}
    too_large: dict[str, str] = {}
    for name in ("auto", *NAMED):
        try:
            networks[name] = _architecture(name, args)
        except UsageError as error:
            too_large[name] = str(error)
    if args.json:
        described = {name: network.describe() for name, network in networks.items()}
        published = {name: network._asdict() for name, network in PUBLISHED.items()}
        emit_json({**described, **published})
        return
    heads = ["name", "parameters", "multiplications", "size"]
    rows = []
    for name, network in networks.items():
        total = network.total()
        rows.append(
            [name, f"{total.parameters:,}", f"{total.multiplications:,}", str(network.size)]
        )
    emit(f"Written as text, with {args.classes or 2} classes")
    emit(table(heads, rows))
    for name, network in networks.items():
        emit(f"{name}: {network.text}")
    for name, why in too_large.items():
        emit(f"{name} does not fit pictures of {args.size} pixels: {why}")
    rows = [
        [name, f"{net.parameters:,}", f"{net.multiplications:,}", f"{net.size}", f"timm:{net.timm}"]
        for name, net in PUBLISHED.items()
    ]
    emit("\nPublished, with 1,000 classes at the size they were published at")
    emit(table([*heads, "timm's name"], rows))
    emit("\n" + GRAMMAR)


def _print_network(network: "Architecture", args: argparse.Namespace) -> None:
    if args.json:
        emit_json(network.describe())
        return
    emit(network.text or "(the last layer only)")
    emit("")
    emit(table(*network.table(), left=2))
