"""`convlens paint`."""

import argparse
from dataclasses import asdict
from typing import Any

from ...engine.interrupt import stop_on_interrupt
from ...errors import UsageError, require
from ...painting.options import PaintOptions
from ..arguments import Parser, add_options, add_output, given_options
from ..output import complain, emit, emit_json, printable
from ..progress import Bars

SUMMARY = "paint a photograph like a painting"
EXAMPLES = """\
  convlens paint photo.jpg --style wave.jpg
  convlens paint photo.jpg --style wave.jpg --size 1024 --strength 3
  convlens paint photo.jpg --style wave.jpg --style hill.jpg --weights 2,1
  convlens paint photo.jpg --style wave.jpg --colours photo --mask sky.png
  convlens paint --learn wave.jpg --pictures photos/ --out wave.onnx
  convlens paint photo.jpg --style wave.onnx         in less than a second"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.usage = (
        "convlens paint PHOTO --style PAINTING [options]\n"
        "       convlens paint --learn PAINTING --pictures FOLDER --out STYLE.onnx"
    )
    parser.add_argument("photo", nargs="?", metavar="PHOTO", help="what to paint")
    parser.add_argument(
        "--style",
        action="append",
        default=[],
        metavar="PAINTING",
        help="a picture, several of them mixed, or a learnt STYLE.onnx",
    )
    parser.add_argument("--learn", metavar="PAINTING", help="learn a style for STYLE.onnx")
    parser.add_argument("--pictures", metavar="FOLDER", help="photographs to practise on")
    parser.add_argument("--out", metavar="FILE", help="file to write [auto: PHOTO-painted.jpg]")
    add_options(parser, PaintOptions)
    add_output(parser, json="print what was made as JSON")


def run(args: argparse.Namespace) -> int:
    """Paint or learn; 130 where Ctrl-C ended it early, and what stood then is in the file."""
    learning = args.learn is not None
    if learning == (args.photo is not None):
        raise UsageError("paint takes PHOTO and --style PAINTING, or --learn PAINTING")
    if learning and not (args.pictures and args.out):
        raise UsageError("--learn goes with --pictures FOLDER and --out STYLE.onnx")
    options = given_options(args, PaintOptions)
    if learning and (args.style or {"mask", "colours", "weights"} & set(options)):
        raise UsageError("--style, --mask, --colours and --weights go with a PHOTO")
    if not learning and args.pictures:
        raise UsageError("--pictures goes with --learn PAINTING")
    with Bars(args.quiet) as bars, stop_on_interrupt(lambda: None) as stop:
        ways: dict[str, Any] = {
            "out": args.out,
            "options": PaintOptions(**options),
            "progress": bars.progress,
            "stop": stop,
        }
        made: Any
        if learning:
            require("torch", "train", what="learning a style")
            from ...painting.learn import learn_style

            made = learn_style(args.learn, args.pictures, **ways)
        else:
            from ...painting.paint import paint

            made = paint(args.photo, args.style, **ways)
        stopped = stop()
    if args.json:
        emit_json(asdict(made))
    else:
        emit(printable(str(made)))
    if stopped:
        complain("stopped: what stands is in the file")
        return 130
    return 0
