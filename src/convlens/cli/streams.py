"""Commands on what moves: a line of JSON for each frame, or for each change."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .arguments import Parser, listed_paths
from .output import emit

if TYPE_CHECKING:
    from ..pictures.decode import RGB

    Answer = Callable[[str, RGB], tuple[dict[str, Any], object]]
    """From a name and a frame to what is printed, and what has to differ to be a change."""


def add_streams(parser: Parser) -> None:
    """Add what makes of the paths video files, cameras and addresses."""
    parser.add_argument(
        "--fps",
        type=float,
        metavar="N",
        help="of videos, cameras (camera:0) and addresses (rtsp://): frames per second",
    )
    parser.add_argument(
        "--changes", action="store_true", help="with --fps: only frames with another answer"
    )


def of_streams(args: argparse.Namespace, *others: str) -> bool:
    """Whether the paths are streams. Raises `UsageError` where `others` were given too."""
    if args.fps is None:
        if args.changes:
            raise UsageError("--changes goes with --fps: frames per second of a video or camera")
        return False
    given = [f"--{name}" for name in others if getattr(args, name)]
    if given:
        raise UsageError(f"--fps prints lines of JSON: it does not go with {given[0]}")
    return True


def print_frames(args: argparse.Namespace, answer: "Answer") -> int:
    """A line for each frame, at once. The status is 1 where something could not be read."""
    from ..pictures.video.frames import read_frames

    failed = False
    for path in listed_paths(args.paths):
        before: object = None
        for frame in read_frames(path, fps=args.fps):
            line: dict[str, Any] = {
                "name": frame.name,
                "seconds": round(frame.seconds, 3),
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            }
            if frame.image is None:
                failed = True
                line["error"] = frame.error
            else:
                content, answered = answer(frame.name, frame.image)
                if args.changes and answered == before:
                    continue
                before = answered
                line = {**content, **line}
            emit(json.dumps(line))
            sys.stdout.flush()  # who reads is to know it now
    return int(failed)
