"""`convlens completion`."""

import argparse
from collections.abc import Iterator

from ..arguments import HelpAll, Parser
from ..output import emit

SUMMARY = "print a script with which a shell completes convlens"
EXAMPLES = """\
  eval "$(convlens completion bash)"                  in ~/.bashrc
  convlens completion zsh > ~/.zfunc/_convlens        in a folder of $fpath
  convlens completion tcsh > ~/.convlens.tcsh         and source it in ~/.tcshrc"""

FILES = {"DETECTOR", "NETWORK|DETECTOR", "PATH", "PICTURES", "WEIGHTS"}
FOLDERS = {"FOLDER", "RUN"}
"""What is completed as a path, by the name of its value in help."""


def add(parser: Parser) -> None:
    """Add its arguments."""
    parser.add_argument(
        "shell", choices=("bash", "zsh", "tcsh"), metavar="SHELL", help="bash, zsh or tcsh"
    )


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    parser = whole_parser()
    kinds = dict.fromkeys(FILES, shtab.FILE) | dict.fromkeys(FOLDERS, shtab.DIRECTORY)
    for action in _actions(parser):
        if action.metavar in kinds:
            vars(action)["complete"] = kinds[action.metavar]
    emit(shtab.complete(parser, args.shell))
    return 0


def whole_parser() -> Parser:
    """The command line with every option shown, those that `--help` leaves out too."""
    from .. import make_parser

    parser = make_parser()
    for action in _actions(parser):
        if isinstance(action, HelpAll):
            action.reveal()
    return parser


def _actions(parser: Parser) -> Iterator[argparse.Action]:
    """The arguments of a command line, and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            action.help = None  # it is there, though help lists the commands in another way
            for subparser in action.choices.values():
                yield from _actions(subparser)
