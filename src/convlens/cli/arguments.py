"""Command-line arguments made from dataclasses of options, so that no default stands twice."""

import argparse
from dataclasses import fields
from typing import Any

from ..options import PRESETS, STAGES, value_type

Subparsers = argparse._SubParsersAction


def add_stages(parser: argparse.ArgumentParser) -> None:
    """Add every training option, grouped by stage. What is not given stays out of the result."""
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        default=argparse.SUPPRESS,
        help="a set of options; quick: small pictures from random parameters in a few passes",
    )
    for name, stage in STAGES.items():
        group = parser.add_argument_group(name, (stage.__doc__ or "").rstrip("."))
        for option in fields(stage):
            default = option.default
            text = option.metadata["help"]
            if default is not None:
                text += f" [{default}]"
            group.add_argument(
                "--" + option.name.replace("_", "-"),
                dest=option.name,
                type=value_type(stage, option.name),
                choices=option.metadata["choices"] or None,
                metavar=(option.metadata["choices"] and "NAME") or _metavar(stage, option.name),
                default=argparse.SUPPRESS,
                help=text.replace("%", "%%"),
            )


def add_pictures(parser: argparse.ArgumentParser) -> None:
    """Add a detector and the pictures that it is to look at."""
    parser.add_argument("detector", help="a detector.onnx, or its run folder")
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files, folders, patterns; - reads a list of paths from standard input",
    )


def given(parsed: argparse.Namespace) -> dict[str, Any]:
    """The training options that were given."""
    names = {option.name for stage in STAGES.values() for option in fields(stage)} | {"preset"}
    return {name: value for name, value in vars(parsed).items() if name in names}


def _metavar(stage: type[Any], name: str) -> str:
    return {int: "N", float: "X"}.get(value_type(stage, name), "TEXT")


def command(
    commands: "Subparsers[argparse.ArgumentParser]", name: str, *, summary: str, examples: str
) -> argparse.ArgumentParser:
    """A command's parser, with its examples below the options."""
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog="examples:\n" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
