"""`convlens find`."""

import argparse
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import saying_where, write_whole
from ..parallel import in_order
from .arguments import Subparsers, add_pictures, command
from .output import emit, named, printable

if TYPE_CHECKING:
    from ..detector.find import Found

EXAMPLES = """\
  convlens find runs/pets/detector.onnx photo.jpg
  convlens find runs/pets photos/ --out found/        pictures with heat and boxes drawn
  convlens find runs/pets photos/ --json > found.json
  convlens find runs/pets crowd.jpg --smallest 0.05   look for smaller things"""


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = command(commands, "find", summary="say where in pictures it is", examples=EXAMPLES)
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
    from ..detector.detector import Detector
    from ..detector.find import Finder
    from ..detector.predict import find_pictures

    finder = Finder(Detector(asked.detector), asked.smallest, sure=asked.sure)
    if not finder.has_background:
        print(  # noqa: T201
            "convlens: this detector has no class 'background', so it sees one of its classes "
            "everywhere: train one with --background",
            file=sys.stderr,
        )
    taken: set[Path] = set()
    total = {"windows": 0, "multiplications": 0, "cut_out": 0}
    seen = failed = 0
    if asked.json:
        emit("[")
    for found in in_order(finder, find_pictures(named(asked.paths))):
        drawn = _draw(found, asked.out, taken=taken) if asked.out and not found.error else None
        if asked.json:
            told = {"error": found.error} if found.error else found.as_json()
            row = {"path": found.name, **told, **({"drawn": str(drawn)} if drawn else {})}
            emit((",\n" if seen else "") + json.dumps(row))
        else:
            _tell(found)
        seen += 1
        failed += found.error is not None
        for name in total:
            total[name] += getattr(found, name)
    if asked.json:
        emit("]")
    elif total["windows"]:
        emit(
            f"{total['windows']:,} windows with {total['multiplications']:,} multiplications; "
            "cutting each out would take "
            f"{total['cut_out'] / total['multiplications']:,.1f} times as many: neighbours share"
        )
    if not seen:
        print("convlens: error: no pictures there", file=sys.stderr)  # noqa: T201
    return 1 if failed or not seen else 0


def _tell(found: "Found") -> None:
    name = printable(found.name)
    if found.error:
        emit(f"error  {name}: {printable(found.error)}")
    for one in found.findings:
        box = ", ".join(f"{at:.0f}" for at in one.box)
        emit(f"{printable(one.label)} {one.probability:7.2%}  at ({box})  {name}")
    if not found.findings and not found.error:
        emit(f"nothing found  {name}")


def _draw(found: "Found", folder: Path, *, taken: set[Path]) -> Path:
    """Write the picture with what was found in it as `NAME-found.jpg`; no two have one name."""
    from ..detector.draw import drawn
    from ..pictures.decode import decode
    from ..pictures.source import FileSource

    stem = Path(found.name).stem
    path, number = folder / f"{stem}-found.jpg", 1
    while path in taken:
        number += 1
        path = folder / f"{stem}-found-{number}.jpg"
    taken.add(path)
    out = io.BytesIO()
    drawn(decode(FileSource(found.name).read()), found).save(out, "JPEG", quality=90)
    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, out.getvalue())
    return path
