"""`convlens find`."""

import argparse
import json
import sys
from pathlib import Path

from ..errors import UsageError
from .arguments import Subparsers, add_pictures, command
from .output import emit, named, printable

EXAMPLES = """\
  convlens find runs/pets/detector.onnx photo.jpg
  convlens find runs/pets photos/ --out found/        pictures with heat and boxes drawn
  convlens find runs/pets photos/ --json > found.json
  convlens find runs/pets crowd.jpg --smallest 0.05   look for smaller things"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = command(commands, "find", "say where in pictures it is", EXAMPLES)
    add_pictures(parser)
    parser.add_argument("--json", action="store_true", help="a JSON array with boxes and heat maps")
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, help="put each picture there, heat and boxes drawn"
    )
    parser.add_argument(
        "--smallest",
        type=float,
        default=0.2,
        metavar="X",
        help="smallest window, as a share of the picture's shorter side [0.2]",
    )
    parser.add_argument(
        "--sure", type=float, default=0.5, metavar="X", help="least probability of a finding [0.5]"
    )
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print the findings of each picture; the status is 1 if one could not be read."""
    for name, least in (("smallest", 0.02), ("sure", 0.0)):
        if not least <= getattr(asked, name) <= 1:
            raise UsageError(f"--{name} {getattr(asked, name)}: it can be {least:g} to 1")
    from ..detector.detector import Detector
    from ..detector.find import Finder, find
    from ..detector.predict import find_pictures

    detector = Detector(asked.detector)
    if not Finder(detector).has_background:
        print(  # noqa: T201
            "convlens: this detector has no class 'background', so it sees one of its classes "
            "everywhere: train one with --background",
            file=sys.stderr,
        )
    sources = find_pictures(named(asked.paths))
    seen = failed = windows = done = cut_out = 0
    if asked.json:
        emit("[")
    for found in find(detector, sources, asked.smallest, asked.sure):
        drawn = _draw(found, asked.out, seen) if asked.out and not found.error else None
        if asked.json:
            row = found.as_json() | ({"drawn": str(drawn)} if drawn else {})
            emit((",\n" if seen else "") + json.dumps(row))
        elif found.error:
            emit(f"error       {printable(found.name)}: {printable(found.error)}")
        else:
            for one in found.findings:
                box = ", ".join(f"{at:.0f}" for at in one.box)
                emit(
                    f"{printable(one.label)} {one.probability:7.2%}  at {box}  "
                    f"{printable(found.name)}"
                )
            if not found.findings:
                emit(f"nothing     {printable(found.name)}")
        seen += 1
        failed += found.error is not None
        windows += found.windows
        done += found.multiplications
        cut_out += found.cut_out
    if asked.json:
        emit("]")
    elif windows:
        emit(
            f"{windows:,} windows with {done / 1e9:,.1f} billion multiplications; to cut each out "
            f"would take {cut_out / done:,.1f} times as many, since windows share what they share"
        )
    if not seen:
        print("convlens: error: no pictures there", file=sys.stderr)  # noqa: T201
    return 1 if failed or not seen else 0
