"""The command line: parses, calls the function of the same name, prints."""

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Sequence
from errno import EINVAL
from importlib import import_module
from itertools import chain
from typing import Protocol, cast

from ..errors import ConvlensError
from .output import complain, printable


class Command(Protocol):
    """A module of this package: a command of the same name."""

    SUMMARY: str
    EXAMPLES: str

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Add its arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; returns the exit status."""


COMMANDS = {
    "data": ("inspect", "suggest", "shard", "convert"),
    "train": ("train", "evaluate", "compare", "networks"),
    "use": ("predict", "find", "serve", "export", "push", "paint"),
    "study": ("why", "bench"),
    "shell": ("completion",),
}
"""Modules of `commands`, by group."""

EXAMPLES = """\
examples:
  convlens inspect pictures/                   what is wrong with them
  convlens train pictures/                     pictures/cat/*, pictures/dog/*
  convlens predict runs/pictures photo.jpg more-photos/
  convlens find runs/pictures street.jpg       where in it
  convlens evaluate runs/pictures test-pictures/
  convlens serve runs/pictures --open          a page, and an HTTP API
  convlens export runs/pictures --to openvino --out pictures-openvino
  convlens suggest runs/pictures unlabelled/   which pictures to label next
  convlens networks "conv 6 5x5, pool 2, dense 120, dense 84" --size 32

'convlens COMMAND --help' says what a command can do."""


def command_named(name: str) -> Command:
    """A command, imported where it is needed: all of them take longer than some answers."""
    return cast(Command, import_module(f".commands.{name}", __package__))


def make_parser(*names: str) -> argparse.ArgumentParser:
    """The command line of these commands; of all by default, which alone can list them."""
    parser = argparse.ArgumentParser(
        "convlens",
        usage="convlens COMMAND ...",
        description="Train an image detector from labelled pictures, and use it.\n\n"
        + ("" if names else _list()),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show it and exit")
    subparsers = parser.add_subparsers(
        metavar="COMMAND", prog="convlens", required=True, help=argparse.SUPPRESS
    )
    for name in names or chain(*COMMANDS.values()):
        command = command_named(name)
        subparser = subparsers.add_parser(
            name,
            help=command.SUMMARY,
            description=command.SUMMARY[0].upper() + command.SUMMARY[1:] + ".",
            epilog="examples:\n" + command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add(subparser)
        subparser.set_defaults(run=command.run)
    return parser


class _Version(argparse.Action):
    """Prints the version, which takes long to find out, and exits."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from .._version import __version__

        print("convlens", __version__)  # noqa: T201
        parser.exit()


def _list() -> str:
    """The commands by group, a line each."""
    return "\n\n".join(
        f"{title}:\n" + "\n".join(f"  {name:<11} {command_named(name).SUMMARY}" for name in names)
        for title, names in COMMANDS.items()
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 1 on failure, 2 on misuse, 130 on Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 must not cost the answer
            # Windows writes files and pipes in an encoding of its own
            as_utf8 = sys.platform == "win32" and not stream.isatty()
            stream.reconfigure(encoding="utf-8" if as_utf8 else None, errors="backslashreplace")
    atexit.register(gc.freeze)  # else Python looks through all of PyTorch for what it may free
    try:
        words = sys.argv[1:] if arguments is None else arguments
        named = [word for word in words[:1] if word in chain(*COMMANDS.values())]
        args = make_parser(*named).parse_args(words)
        status: int = args.run(args)
        sys.stdout.flush()
    except ConvlensError as error:
        complain("\n".join(map(printable, f"error: {error}".split("\n"))))
        return error.exit_status
    except KeyboardInterrupt:
        complain("stopped")
        return 130
    except OSError as error:
        # the reader, such as `head`, has seen enough; Windows calls that EINVAL
        is_of_windows = sys.platform == "win32" and error.errno == EINVAL and not error.filename
        if isinstance(error, BrokenPipeError) or is_of_windows:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        # a name that no file can have, or what nobody may look into; without a name, a full disk
        reason = error.strerror or error
        if error.filename:
            complain(f"error: cannot use {printable(str(error.filename))}: {reason}")
        else:
            complain(f"error: cannot write the output: {reason}")
        return 1
    return status
