"""`convlens predict`."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...files import given_path
from ...parallel import in_order, worker
from ..arguments import Parser, add_detector, add_output, add_paths, listed_paths
from ..drawn import DrawnPictures, as_jpeg
from ..isolate import MEMORY, SECONDS, run_isolated
from ..output import PassedOver, complain, emit
from ..predictions import print_coco, print_csv, print_json, print_lines
from ..progress import Bars
from ..streams import add_streams, of_streams, print_frames

if TYPE_CHECKING:
    from ...detector.detector import Detector
    from ...detector.inputs import Share
    from ...pictures.decode import RGB
    from ...pictures.source import Source
    from ...tasks.answers import Prediction

SUMMARY = "say what is in pictures"
EXAMPLES = """\
  convlens predict detector.onnx photo.jpg
  convlens predict detector.onnx photos/ --csv > answers.csv
  convlens predict detector.onnx 'photos/*.jpg' --json --top 3
  convlens predict boxes.onnx photos/ --coco annotations.json > results.json
  convlens predict detector.onnx photos/ --why looked-at/
  find . -name '*.jpg' | convlens predict detector.onnx -
  convlens predict strangers.onnx photo.jpg --isolate
  convlens predict detector.onnx street.mp4 --fps 2
  convlens predict detector.onnx rtsp://camera.local/stream --fps 1 --changes
  convlens predict detector.onnx s3://bucket/many/ --share 3/8 --out answers/"""


def add(parser: Parser) -> None:
    """Add its arguments."""
    add_detector(parser)
    add_paths(parser)
    add_output(
        parser,
        json="print a JSON array, one object per picture",
        csv="print CSV with every class's probability",
        coco="print COCO's results, with the ids of this file of annotations",
    )
    parser.add_argument(
        "--top", type=int, default=1, metavar="K", help="show the K likeliest classes [1]"
    )
    parser.add_argument(
        "--why",
        metavar="FOLDER",
        type=given_path,
        help="write pictures there with what spoke for the answer as heat over them",
    )
    parser.add_argument(
        "--isolate",
        action="store_true",
        help=f"for a stranger's detector: {MEMORY >> 30} GiB of memory, {SECONDS} s for a step",
    )
    parser.add_argument(
        "--share",
        metavar="K/N",
        help="only part K, from 1, of N [auto: as torchrun has it]",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="write a CSV for each shard there, except for those there are",
    )
    add_streams(parser)


def run(args: argparse.Namespace) -> int:
    """Print a row per picture; the status is 1 if one could not be read."""
    if args.top < 1:
        raise UsageError(f"--top {args.top}: it takes 1 or more")
    if of_streams(args, "csv", "coco", "share", "out", "isolate", "why"):
        return _frames(args)
    share = _share(args)
    others = (args.out, args.why, args.coco)
    if args.isolate and (any(given is not None for given in others) or share[1] > 1):
        raise UsageError("--isolate goes with none of --out, --share, --why and --coco")
    if args.isolate:
        return run_isolated(args)
    if args.out is not None:
        return _into_folder(args, share)
    from ...detector.detector import Detector

    detector = Detector(args.detector)
    if args.top > 1 and detector.task.outputs[0] == "boxes":
        raise UsageError("--top is for detectors of classes: of boxes, all that counts is told")
    passed_over = PassedOver()
    if args.why is not None:
        predictions = _explained(args, detector, share=share, passed_over=passed_over)
    else:
        predictions = detector.predict_many(
            listed_paths(args.paths), share=share, passed_over=passed_over
        )
    if args.coco is not None:
        failed, count = print_coco(predictions, detector, annotations=args.coco)
    else:
        write = print_json if args.json else print_csv if args.csv else print_lines
        failed, count = write(predictions, detector, top=args.top)
    unlisted = passed_over.say()
    if not count:
        complain("error: no pictures there")
    elif failed:
        complain(f"{failed} of {count} could not be read")
    return 1 if failed or unlisted or not count else 0


def _explained(
    args: argparse.Namespace, detector: "Detector", *, share: "Share", passed_over: PassedOver
) -> "Iterator[Prediction]":
    """The predictions; each picture is written with its heat map before its own is given."""
    from ...detector.draw import draw_heat
    from ...detector.heat_map import HeatMapper
    from ...detector.inputs import find_sources, pixels_of
    from ...pictures.shards.read import streamed

    mapper, drawn_pictures = HeatMapper(detector), DrawnPictures(args.why, "why")

    def explain(source: "Source") -> "tuple[Prediction, bytes]":
        prediction = detector.predict_source(source)
        if prediction.error is not None:
            return prediction, b""
        image = pixels_of(source)
        return prediction, as_jpeg(draw_heat(image, mapper.look(source.name, image).heat))

    sources = find_sources(listed_paths(args.paths), share=share, passed_over=passed_over)
    for prediction, jpeg in in_order(explain, streamed(sources)):
        if jpeg:
            drawn_pictures.write(prediction.name, jpeg)
        yield prediction


def _frames(args: argparse.Namespace) -> int:
    """A line for each frame of what moves."""
    from ...detector.detector import Detector

    detector = Detector(args.detector)

    def answer(name: str, image: "RGB") -> tuple[dict[str, Any], object]:
        prediction = detector.answer(name, detector.outputs(image))
        content = detector.task.as_json(prediction, args.top if args.top > 1 else None)
        told = {key: content.get(key) for key in ("predicted", "strange", "counts")}
        return content, told

    return print_frames(args, answer)


def _share(args: argparse.Namespace) -> tuple[int, int]:
    """Which part is this process's, from 0, of how many. Raises `UsageError`."""
    if args.share is None:
        number, count = worker()
        if count > 1 and args.out is None:
            raise UsageError(
                "several processes would print into one output: give --out FOLDER, or each its "
                "own --share K/N and output"
            )
        return number, count
    words = args.share.split("/")
    if len(words) != 2 or not all(word.isdecimal() for word in words):
        raise UsageError(f"--share {args.share}: it takes K/N, such as 1/8")
    number, count = (int(word) for word in words)
    if not 1 <= number <= count:
        raise UsageError(f"--share {args.share}: K can be 1 to {count}")
    return number - 1, count


def _into_folder(args: argparse.Namespace, share: tuple[int, int]) -> int:
    """A table for each shard."""
    from ...detector.archive import predict_shards

    if args.json or args.top > 1 or args.why is not None or args.coco is not None:
        raise UsageError(
            "--out writes CSV with every class: give none of --json, --coco, --top and --why"
        )
    with Bars(args.quiet) as bars:
        progress = bars.progress if share[0] == 0 else lambda *_: None
        done = predict_shards(
            args.detector, listed_paths(args.paths), out=args.out, share=share, progress=progress
        )
    part = f"part {share[0] + 1} of {share[1]}: " if share[1] > 1 else ""
    before = f"; {done.earlier:,} were there already" if done.earlier else ""
    failed = f", {done.unreadable:,} of them unreadable" if done.unreadable else ""
    emit(f"{part}{done.pictures:,} pictures{failed}, in {done.shards:,} shards{before}")
    return 1 if done.unreadable else 0
