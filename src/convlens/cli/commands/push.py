"""`convlens push`."""

import argparse

from ..arguments import Parser, add_output
from ..output import emit, emit_json

SUMMARY = "publish a run's detector and model card on a hub"
EXAMPLES = """\
  convlens push runs/pets me/pets             where only you see it
  convlens push runs/pets me/pets --public
  HF_ENDPOINT=https://hub.example.org convlens push runs/pets team/pets"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument("folder", metavar="RUN", help="the folder of a run; read its card.md first")
    parser.add_argument("repository", metavar="OWNER/NAME", help="made where it is not there yet")
    parser.add_argument(
        "--public", action="store_true", help="let everybody see a repository that is made"
    )
    add_output(parser, json="print the address as JSON", quiet=False)


def run(args: argparse.Namespace) -> int:
    """Print the address."""
    from ...export.push import push

    address = push(args.folder, args.repository, public=args.public)
    if args.json:
        emit_json({"address": address})
    else:
        emit(address)
    return 0
