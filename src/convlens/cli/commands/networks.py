"""`convlens networks`."""

import argparse
from typing import TYPE_CHECKING

from ..arguments import Parser, add_output
from ..output import emit, emit_json, table

if TYPE_CHECKING:
    from ...network.layers.counts import Counts
    from ...network.spec import Architecture

SUMMARY = "print a network's layers, shapes, parameters and connections"
EXAMPLES = """\
  convlens networks                              names, and how to write one
  convlens networks lecture --size 32 --classes 10
  convlens networks "conv 6 5x5, pool 2, dense 120" --size 32
  convlens networks auto --size 128 --pictures 2000   a line to edit for train"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument("network", nargs="?", metavar="NETWORK", help="a line of text, or a name")
    parser.add_argument(
        "--size", type=int, metavar="PIXELS", help="side of its pictures [auto: its own, or 64]"
    )
    parser.add_argument("--classes", type=int, default=2, metavar="N", help="its classes [2]")
    parser.add_argument(
        "--pictures", type=int, default=2000, metavar="N", help="how many auto is to suit [2000]"
    )
    add_output(parser, json="print the table as JSON", quiet=False)


def run(args: argparse.Namespace) -> int:
    """Print one network's table, or the list of names."""
    if args.network is None:
        _print_names(args)
    else:
        _print_network(_architecture(args.network, args), args)
    return 0


def _architecture(name: str, args: argparse.Namespace) -> "Architecture":
    from ...network.named import describe_network, line_of, usual_size

    size = args.size or usual_size(line_of(name, 64, pictures=args.pictures)) or 64
    return describe_network(name, size, classes=args.classes, pictures=args.pictures)


def _print_names(args: argparse.Namespace) -> None:
    from ...network.named import NAMED, PUBLISHED
    from ...network.parse import GRAMMAR

    networks = {name: _architecture(name, args) for name in ("auto", *NAMED)}
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
    emit(f"Written as text, with {args.classes} classes")
    emit(table(heads, rows))
    for name, network in networks.items():
        emit(f"{name}: {network.text}")
    rows = [
        [name, f"{net.parameters:,}", f"{net.multiplications:,}", f"{net.size}", f"timm:{net.timm}"]
        for name, net in PUBLISHED.items()
    ]
    emit("\nPublished, with 1,000 classes at the size they were published at")
    emit(table([*heads, "timm's name"], rows))
    emit("\n" + GRAMMAR)


def _print_network(network: "Architecture", args: argparse.Namespace) -> None:
    from ...network.layers.shapes import show

    if args.json:
        emit_json(network.describe())
        return
    emit(network.text or "(the last layer only)")
    emit("")
    rows = [["", "input", f"{network.size}×{network.size}×3", "", "", ""]]
    for row in network.rows():
        rows.append([row.number, row.text, show(row.out_shape), *_numbers(row.counts)])
    rows.append(["", "softmax", str(args.classes), "", "", ""])
    rows.append(["", "total", "", *_numbers(network.total())])
    heads = ["", "layer", "output", "parameters", "connections", "multiplications"]
    emit(table(heads, rows, left=2))


def _numbers(counts: "Counts") -> list[str]:
    return [f"{n:,}" for n in (counts.parameters, counts.connections, counts.multiplications)]
