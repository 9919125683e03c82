"""The command line: parses, calls the function of the same name, prints."""

import argparse
import os
import sys
from collections.abc import Sequence

from .._version import __version__
from ..errors import ConvlensError
from . import (
    bench,
    compare,
    evaluate,
    find,
    inspect,
    networks,
    predict,
    serve,
    shard,
    suggest,
    train,
    why,
)

EPILOG = """\
examples:
  convlens inspect pictures/                   what is wrong with them
  convlens train pictures/                     pictures/cat/*.jpg, pictures/dog/*.jpg
  convlens predict runs/pictures/detector.onnx photo.jpg more-photos/
  convlens find runs/pictures street.jpg       where in it
  convlens evaluate runs/pictures/detector.onnx test-pictures/
  convlens serve runs/pictures --open          a page to try it on, and an HTTP API
  convlens suggest runs/pictures unlabelled/   which pictures to label next
  convlens networks "conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84" --size 32

'convlens COMMAND --help' tells what a command can do."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        "convlens",
        description="Train an image detector from labelled pictures, and use it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"convlens {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    every = (
        inspect,
        train,
        predict,
        find,
        evaluate,
        compare,
        suggest,
        serve,
        networks,
        why,
        shard,
        bench,
    )
    for module in every:
        module.add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 1 on failure, 2 on misuse, 130 on Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 must not cost the answer
            stream.reconfigure(errors="backslashreplace")
    try:
        asked = parser().parse_args(arguments)
        status: int = asked.run(asked)
        sys.stdout.flush()
    except ConvlensError as error:
        print(f"convlens: error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_status
    except KeyboardInterrupt:
        print("convlens: stopped", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status
