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
    from ..detector.localization import Localization

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
    from ..detector.inputs import find_files

    finder = Finder(Detector(asked.detector), asked.smallest, min_probability=asked.sure)
    if not finder.has_background:
        print(  # noqa: T201
            "convlens: this detector has no class 'background', so it sees one of its classes "
            "everywhere: train one with --background",
            file=sys.stderr,
        )
    taken: set[Path] = set()
    total = {"windows": 0, "multiplications": 0, "multiplications_cut_out": 0}
    seen = failed = 0
    if asked.json:
        emit("[")
    for result in in_order(
        finder, (file for path in named(asked.paths) for file in find_files(path))
    ):
        drawn = _draw(result, asked.out, taken=taken) if asked.out and not result.error else None
        if asked.json:
            content = {"error": result.error} if result.error else result.as_json()
            row = {"name": result.name, **content, **({"drawn": str(drawn)} if drawn else {})}
            emit((",\n" if seen else "") + json.dumps(row))
        else:
            _print(result)
        seen += 1
        failed += result.error is not None
        for name in total:
            total[name] += getattr(result, name)
    if asked.json:
        emit("]")
    elif total["windows"]:
        times = total["multiplications_cut_out"] / total["multiplications"]
        emit(
            f"{total['windows']:,} windows with {total['multiplications']:,} multiplications; "
            f"cutting each out would take {times:,.1f} times as many: neighbours share"
        )
    if not seen:
        print("convlens: error: no pictures there", file=sys.stderr)  # noqa: T201
    return 1 if failed or not seen else 0


def _print(result: "Localization") -> None:
    name = printable(result.name)
    if result.error:
        emit(f"error  {name}: {printable(result.error)}")
    for finding in result.findings:
        box = ", ".join(f"{at:.0f}" for at in finding.box)
        emit(f"{printable(finding.predicted)} {finding.probability:7.2%}  at ({box})  {name}")
    if not result.findings and not result.error:
        emit(f"nothing found  {name}")


def _draw(result: "Localization", folder: Path, *, taken: set[Path]) -> Path:
    """Write the picture with what was found in it as `NAME-found.jpg`; no two have one name."""
    from ..detector.draw import draw_findings
    from ..pictures.decode import decode
    from ..pictures.source import FileSource

    stem = Path(result.name).stem
    path, number = folder / f"{stem}-found.jpg", 1
    while path in taken:
        number += 1
        path = folder / f"{stem}-found-{number}.jpg"
    taken.add(path)
    out = io.BytesIO()
    draw_findings(decode(FileSource(result.name).read()), result).save(out, "JPEG", quality=90)
    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, out.getvalue())
    return path
