"""`convlens networks`."""

import argparse
from typing import TYPE_CHECKING

from .arguments import Subparsers, command
from .output import emit, emit_json, table

if TYPE_CHECKING:
    from ..network.spec import Architecture

EXAMPLES = """\
  convlens networks                                   the names, and how a network is written
  convlens networks lecture --size 32 --classes 10
  convlens networks "conv 6 5x5, pool 2, dense 120" --size 32
  convlens networks auto --size 128 --pictures 2000   prints a line to edit and give to train"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "print a network's layers, shapes, parameters and connections"
    parser = command(commands, "networks", summary=summary, examples=EXAMPLES)
    parser.add_argument(
        "network", nargs="?", metavar="LINE|NAME", help="one line of text, or a name"
    )
    parser.add_argument(
        "--size", type=int, metavar="N", help="pictures' side [the network's own, or 64]"
    )
    parser.add_argument("--classes", type=int, default=2, metavar="N", help="classes [2]")
    parser.add_argument(
        "--pictures", type=int, default=2000, metavar="N", help="how many auto shall suit [2000]"
    )
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print one network's table, or the list of names."""
    from ..network.named import NAMED, PUBLISHED, describe_network, line_of, usual_size
    from ..network.parse import GRAMMAR
    from ..network.shapes import show

    def find(name: str) -> "Architecture":
        size = asked.size or usual_size(line_of(name, 64, pictures=asked.pictures)) or 64
        return describe_network(name, size, classes=asked.classes, pictures=asked.pictures)

    if asked.network is None:
        made = {name: find(name) for name in ("auto", *NAMED)}
        if asked.json:
            listed = {name: network.describe() for name, network in made.items()}
            emit_json({**listed, **{name: one._asdict() for name, one in PUBLISHED.items()}})
            return 0
        rows = [
            [
                name,
                f"{net.total().parameters:,}",
                f"{net.total().multiplications:,}",
                str(net.size),
            ]
            for name, net in made.items()
        ]
        emit(f"Written as text, with {asked.classes} classes")
        emit(table(["name", "parameters", "multiplications", "size"], rows))
        for name, net in made.items():
            emit(f"{name}: {net.text}")
        published = [
            [
                name,
                f"{one.parameters:,}",
                f"{one.multiplications:,}",
                f"{one.size}",
                f"timm:{one.timm}",
            ]
            for name, one in PUBLISHED.items()
        ]
        emit("\nPublished, with 1,000 classes at the size they were published at")
        emit(table(["name", "parameters", "multiplications", "size", "timm's name"], published))
        emit("\n" + GRAMMAR)
        return 0
    network = find(asked.network)
    if asked.json:
        emit_json(network.describe())
        return 0
    emit(network.text or "(the last layer only)")
    emit("")
    side = f"{network.size}×{network.size}×3"
    body = [["", "input", side, "", "", ""]]
    for row in network.rows():
        counts = row.counts
        numbers = (counts.parameters, counts.connections, counts.multiplications)
        body.append([row.number, row.text, show(row.out_shape), *(f"{n:,}" for n in numbers)])
    body.append(["", "softmax", str(asked.classes), "", "", ""])
    total = network.total()
    numbers = (total.parameters, total.connections, total.multiplications)
    body.append(["", "total", "", *(f"{n:,}" for n in numbers)])
    heads = ["", "layer", "output", "parameters", "connections", "multiplications"]
    emit(table(heads, body, left=2))
    return 0
