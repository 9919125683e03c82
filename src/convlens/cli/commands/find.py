"""`convlens find`."""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...files import given_path
from ...parallel import in_order
from ..arguments import Parser, add_detector, add_output, add_paths, listed_paths
from ..drawn import DrawnPictures, as_jpeg
from ..output import PassedOver, complain, emit, printable
from ..streams import add_streams, of_streams, print_frames

if TYPE_CHECKING:
    from ...detector.find import Finder
    from ...detector.find_boxes import BoxFinder
    from ...detector.localization import Localization
    from ...pictures.decode import RGB

SUMMARY = "show where in pictures the classes are"
EXAMPLES = """\
  convlens find runs/pets/detector.onnx photo.jpg
  convlens find runs/pets photos/ --out found/        draws heat and boxes
  convlens find runs/pets photos/ --json > found.json
  convlens find runs/pets street.mp4 --fps 1 --changes
  convlens find runs/pets crowd.jpg --smallest 0.05   look for smaller things"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    add_detector(parser)
    add_paths(parser)
    add_output(parser, json="print a JSON array with boxes and heat maps")
    parser.add_argument(
        "--out", metavar="FOLDER", type=given_path, help="write pictures with heat and boxes there"
    )
    parser.add_argument(
        "--smallest",
        type=float,
        metavar="SHARE",
        help="smallest window's side, of a picture's shorter one [0.2]",
    )
    parser.add_argument(
        "--sure",
        type=float,
        metavar="SHARE",
        help="least probability of a finding [0.5; of boxes, as was trained]",
    )
    add_streams(parser)


def run(args: argparse.Namespace) -> int:
    """Print the findings of each picture; the status is 1 if one could not be read."""
    from ...detector.detector import Detector
    from ...detector.find import finder_of
    from ...detector.inputs import find_files

    finder = finder_of(Detector(args.detector), args.smallest, min_probability=args.sure)
    if not finder.has_background and not args.quiet:
        complain(
            "this detector has no class 'background', so it sees one of its classes "
            "everywhere: train one with --background"
        )
    if of_streams(args, "out"):
        return print_frames(args, partial(_answer, finder))
    drawn_pictures = DrawnPictures(args.out, "found") if args.out else None
    total = {"windows": 0, "multiplications": 0, "multiplications_cut_out": 0}
    count = failed = 0
    if args.json:
        emit("[")
    passed_over = PassedOver()
    files = (file for path in listed_paths(args.paths) for file in find_files(path, passed_over))
    for result in in_order(finder, files):
        drawn = _draw(result, drawn_pictures) if drawn_pictures and not result.error else None
        if args.json:
            content = {"error": result.error} if result.error else result.as_json()
            row = {"name": result.name, **content, **({"drawn": str(drawn)} if drawn else {})}
            emit((",\n" if count else "") + json.dumps(row))
        else:
            _print(result)
        count += 1
        failed += result.error is not None
        for name in total:
            total[name] += getattr(result, name)
    if args.json:
        emit("]")
    elif total["windows"]:
        times = total["multiplications_cut_out"] / total["multiplications"]
        emit(
            f"{total['windows']:,} windows with {total['multiplications']:,} multiplications; "
            f"cutting each out would take {times:,.1f} times as many: neighbours share"
        )
    unlisted = passed_over.say()
    if not count:
        complain("error: no pictures there")
    return 1 if failed or unlisted or not count else 0


def _answer(finder: "Finder | BoxFinder", name: str, image: "RGB") -> tuple[dict[str, Any], object]:
    """What was found in a frame, without its heat maps."""
    result = finder.find(name, image).as_json()
    del result["heat"]
    return {"name": name, **result}, sorted(one["predicted"] for one in result["findings"])


def _print(result: "Localization") -> None:
    name = printable(result.name)
    if result.error:
        emit(f"error  {name}: {printable(result.error)}")
    for finding in result.findings:
        box = ", ".join(f"{at:.0f}" for at in finding.box)
        emit(f"{printable(finding.predicted)} {finding.probability:7.2%}  at ({box})  {name}")
    if not result.findings and not result.error:
        emit(f"nothing found  {name}")


def _draw(result: "Localization", pictures: DrawnPictures) -> Path:
    from ...detector.draw import draw_findings
    from ...pictures.decode import decode
    from ...pictures.source import FileSource

    drawn = draw_findings(decode(FileSource(result.name).read()), result)
    return pictures.write(result.name, as_jpeg(drawn))
