"""`convlens export`."""

import argparse

from ...errors import UsageError
from ..arguments import Parser, add_output
from ..output import emit, emit_json, printable, table
from ..progress import Bars

SUMMARY = "write a run's detector for other runtimes, proven"
EXAMPLES = """\
  convlens export runs/pets --to edge --out edge --input float32 --layout NCHW
  convlens export runs/pets --to openvino --out pets-openvino
  convlens export runs/pets --to tflite --out pets-tflite
  convlens export runs/pets --to float16 --out pets-float16
  convlens export runs/pets --to int8 --out pets-int8
  convlens export runs/pets --to browser --runtime onnxruntime-web/ --out page
  convlens export wave.onnx --to browser --runtime onnxruntime-web/ --out page"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument(
        "folder", metavar="RUN", help="the folder of a finished run, or a learnt STYLE.onnx"
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="FORM",
        help="edge, openvino, tflite, float16, int8 or browser",
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="what to write")
    parser.add_argument(
        "--batch", default="1", metavar="1|N", help="edge: one picture at once, or any number [1]"
    )
    parser.add_argument(
        "--input", default="uint8", metavar="TYPE", help="edge: uint8 or float32 [uint8]"
    )
    parser.add_argument(
        "--layout", default="NHWC", metavar="AXES", help="edge: NHWC or NCHW [NHWC]"
    )
    parser.add_argument(
        "--no-mirror",
        action="store_true",
        help="edge: do not look at the mirror image: half the work, other answers",
    )
    parser.add_argument(
        "--runtime",
        metavar="PLACE",
        help="browser: the folder of the npm package onnxruntime-web, or an address of its files",
    )
    add_output(parser, json="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what the form costs and gains."""
    from ...painting.style_file import is_style

    if is_style(args.folder):
        return _export_style(args)
    from ...export.forms.export_detector import export_detector
    from ...export.forms.proof import told

    with Bars(args.quiet) as bars:
        exported = export_detector(
            args.folder,
            to=args.to,
            out=args.out,
            batch=args.batch,
            dtype=args.input,
            layout=args.layout,
            mirror=not args.no_mirror,
            runtime=args.runtime,
            progress=bars.progress,
        )
    if args.json:
        emit_json(exported.as_json())
        return 0
    rows = [
        [
            name,
            f"{one.accuracy:.2%}",
            f"{one.megabytes:.1f}",
            "" if one.milliseconds is None else f"{one.milliseconds:.1f}",
        ]
        for name, one in (("detector.onnx", exported.before), (exported.form, exported.after))
    ]
    emit(table(["", exported.measure, "MB", "ms/picture"], rows))
    what = {"test": "held-out", "val": "validation"}.get(exported.split, "training")
    found, test = ("gets right", "McNemar's exact p")
    if exported.measure == "AP50":
        found, test = ("finds", "paired bootstrap, p")
    emit(
        f"\non {exported.pictures:,} {what} pictures; {exported.only_before:,} only detector.onnx "
        f"{found}, {exported.only_after:,} only this form ({test} = {exported.p:.2g})"
    )
    emit(f"in {exported.runtime}, on {told(exported.proof)}")
    emit(f"{printable(exported.folder)}: README.md there tells how to use it")
    return 0


def _export_style(args: argparse.Namespace) -> int:
    """Print where the page of a learnt style is."""
    from ...painting.export import export_style

    edge_options = (args.batch, args.input, args.layout, args.no_mirror)
    if args.to != "browser" or edge_options != ("1", "uint8", "NHWC", False):
        raise UsageError("a learnt style takes --to browser, --runtime and --out alone")
    folder = export_style(args.folder, out=args.out, runtime=args.runtime)
    if args.json:
        emit_json({"folder": str(folder), "form": "browser"})
    else:
        emit(f"{printable(str(folder))}: README.md there tells how to use it")
    return 0
