"""`convlens compare`."""

import argparse

from .arguments import Subparsers, command
from .output import Bars, duration, emit, emit_json, printable, table

EXAMPLES = """\
  convlens compare runs/pets runs/pets-2
  convlens compare runs/* --json"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "say which run is better on the same held-out pictures, and what it costs"
    parser = command(commands, "compare", summary=summary, examples=EXAMPLES)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders that train made")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print the table and what it means."""
    from ..evaluation.compare import compare

    with Bars() as bars:
        found = compare(asked.runs, bars.progress)
    if asked.json:
        emit_json(found.as_json())
        return 0
    rows = [
        [
            printable(one.run),
            f"{one.accuracy:.2%}",
            f"{one.interval[0]:.1%} to {one.interval[1]:.1%}",
            "" if one.p is None else f"{one.only_this} to {one.only_best}",
            "" if one.p is None else f"{one.p:.2g}",
            f"{one.megabytes:.1f}",
            f"{one.parameters:,}",
            "" if one.milliseconds is None else f"{one.milliseconds:.1f}",
            duration(one.train_seconds),
        ]
        for one in found.contenders
    ]
    heads = ["run", "accuracy", "95 % interval", "only it to only the first", "p", "MB"]
    emit(table([*heads, "parameters", "ms/picture", "trained"], rows))
    emit(f"\non the {found.pictures:,} pictures that all of them held out")
    first = found.contenders[0]
    for one in found.contenders[1:]:
        assert one.p is not None  # noqa: S101
        clear = one.p < 0.05
        says = "is less accurate than" if clear else "cannot be told from"
        test = f"McNemar's exact p = {one.p:.2g}"
        emit(f"{printable(one.run)} {says} {printable(first.run)} ({test})")
    return 0
