"""Arguments of several commands, and those that are made from dataclasses of options."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import Field, fields
from typing import Any

from ..files import given_path
from ..options import PRESETS, STAGES, value_type

Parser = argparse.ArgumentParser


def add_seed(parser: Parser, what: str) -> None:
    """Add `--seed`, which decides what is drawn."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=f"{what} [0]")


def add_output(
    parser: Parser, json: str, *, csv: str = "", coco: str = "", quiet: bool = True
) -> None:
    """Add the forms in which results are printed, and `--quiet` where anything else is."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help=json)
    if csv:
        forms.add_argument("--csv", action="store_true", help=csv)
    if coco:
        forms.add_argument("--coco", metavar="FILE", type=given_path, help=coco)
    if quiet:
        parser.add_argument(
            "--quiet", action="store_true", help="no progress and no notes; warnings still"
        )


def add_detector(parser: Parser) -> None:
    """Add the detector that is to answer."""
    parser.add_argument("detector", metavar="DETECTOR", help="a detector.onnx, or its run folder")


def add_boxes(parser: Parser) -> None:
    """Add what settles how boxes are to be read."""
    parser.add_argument(
        "--boxes",
        metavar="WORDS",
        help="how boxes are written, where that cannot be told, as coco or table,xywh",
    )


def add_paths(parser: Parser) -> None:
    """Add the pictures that a detector is to look at."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files, folders, patterns; - reads a list of paths from standard input",
    )


def add_train_options(parser: Parser) -> None:
    """Add every option of training, grouped by stage. What is not given stays out of the result.

    `--help` shows those that most people need, `--help-all` all of them.
    """
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="a set of options; quick: small pictures, random parameters, few epochs",
    )
    advanced: dict[argparse.Action, str] = {}
    for name, stage in STAGES.items():
        what = (stage.__doc__ or "").rstrip(".")
        group = parser.add_argument_group(f"{name} ({what[0].lower()}{what[1:]})")
        for option in fields(stage):
            action = _add_option(group, stage, option)
            if not option.metadata["basic"]:
                advanced[action], action.help = action.help or "", argparse.SUPPRESS
    parser.add_argument(
        "--help-all", action=HelpAll, advanced=advanced, help="show every option and exit"
    )


def add_options(parser: Parser, stage: type[Any]) -> None:
    """Add every option of a dataclass. What is not given stays out of the result."""
    for option in fields(stage):
        _add_option(parser, stage, option)


def given_options(args: argparse.Namespace, stage: type[Any]) -> dict[str, Any]:
    """Those that were given."""
    names = {option.name for option in fields(stage)}
    return {name: value for name, value in vars(args).items() if name in names}


def _add_option(
    group: argparse._ActionsContainer, stage: type[Any], option: "Field[Any]"
) -> argparse.Action:
    return group.add_argument(
        "--" + option.name.replace("_", "-"),
        dest=option.name,
        type=value_type(stage, option.name),
        choices=option.metadata["choices"] or None,
        metavar=option.metadata["metavar"],
        default=argparse.SUPPRESS,
        help=_help(option),
    )


def train_options(args: argparse.Namespace) -> dict[str, Any]:
    """The training options that were given."""
    names = {option.name for stage in STAGES.values() for option in fields(stage)} | {"preset"}
    return {name: value for name, value in vars(args).items() if name in names}


def listed_paths(paths: Sequence[str]) -> list[str]:
    """The paths of a command line, where `-` stands for those that standard input lists."""
    return [name for path in paths for name in (_stdin_paths() if path == "-" else [path])]


def _stdin_paths() -> list[str]:
    """The lines of standard input, or what stands between its null bytes."""
    data = sys.stdin.buffer.read()
    separator = b"\0" if b"\0" in data else b"\n"
    return [os.fsdecode(line.rstrip(b"\r")) for line in data.split(separator) if line.strip()]


def _help(option: "Field[Any]") -> str:
    """What an option is, its choices and its default, in a line."""
    metadata, text = option.metadata, option.metadata["help"]
    if metadata["metavar"] == "NAME":
        text += ": " + ", ".join(name for name in metadata["choices"] if name != "auto")
    if metadata["auto"]:
        text += f" [auto: {metadata['auto']}]"
    elif option.default is not None:
        text += f" [{option.default}]"
    return str(text).replace("%", "%%")


class HelpAll(argparse.Action):
    """Shows the options that `--help` leaves out as well."""

    def __init__(
        self,
        option_strings: Sequence[str],
        dest: str,
        *,
        advanced: dict[argparse.Action, str],
        help: str,  # noqa: A002
    ) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)
        self.advanced = advanced

    def reveal(self) -> None:
        """Show them from now on."""
        for action, text in self.advanced.items():
            action.help = text

    def __call__(self, parser: Parser, *_: object) -> None:
        """Print the whole help and exit."""
        self.reveal()
        parser.print_help()
        parser.exit()
