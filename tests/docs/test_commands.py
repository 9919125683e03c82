"""Every command that the guides give is one that the program takes, and every snippet is Python."""

import argparse
import ast
import contextlib
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from convlens.cli import COMMANDS, command_named, make_parser
from convlens.cli.arguments import train_options
from convlens.options import options_from

HOME = Path(__file__).parent.parent.parent
PAGES = sorted([HOME / "README.md", HOME / "CONTRIBUTING.md", *HOME.glob("docs/**/*.md")])
BLOCK = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class WrongCommandError(Exception):
    """What the parser says of a line."""


def in_blocks(text: str) -> Iterator[str]:
    """The lines of blocks that call convlens, from its name on."""
    for _, _, block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if called := re.search(r"(?:^|[\s/])convlens (?=[a-z-])(.*)", line):
                yield called[1]


def in_text(text: str) -> Iterator[str]:
    """What stands between backticks and calls convlens, from its name on."""
    for code in re.findall(r"(?<!`)`(?:\w+=\S+ )?convlens\s([^`]+)`(?!`)", BLOCK.sub("", text)):
        if not code.startswith("COMMAND "):
            yield " ".join(code.split())


def parse(line: str) -> argparse.Namespace:
    """Parse up to what belongs to the shell; of `a|b` the first."""
    words = shlex.split(line, comments=True)
    end = next((k for k, word in enumerate(words) if word in ("|", ">", "&&")), len(words))
    return make_parser().parse_args([re.sub(r"^(\w+)\|.*", r"\1", word) for word in words[:end]])


@pytest.fixture(autouse=True)
def _says(monkeypatch: pytest.MonkeyPatch) -> None:
    def error(self: argparse.ArgumentParser, message: str) -> NoReturn:
        raise WrongCommandError(message)

    monkeypatch.setattr(argparse.ArgumentParser, "error", error)


def test_the_program_takes_every_command_of_the_guides() -> None:
    taken = 0
    for page in PAGES:
        text = page.read_text("utf-8")
        whole = list(in_blocks(text))
        for line in whole + list(in_text(text)):
            try:
                args = parse(line)
            except WrongCommandError as error:  # in a sentence a command may lack its arguments
                lacks = "arguments are required" in str(error) and line not in whole
                assert lacks, f"{page}: {line}: {error}"
            except SystemExit as end:  # --help
                assert end.code == 0, f"{page}: {line}"
            else:
                if line.startswith("train"):
                    options_from(train_options(args))
            taken += 1
    assert taken > 120


def test_the_program_takes_the_examples_of_its_help() -> None:
    for group in COMMANDS.values():
        for name in group:
            for line in in_blocks(f"```\n{command_named(name).EXAMPLES}\n```"):
                with contextlib.suppress(SystemExit):
                    parse(re.sub(r"\)?\"?\s{2,}.*", "", line))


def test_every_snippet_is_python() -> None:
    snippets = 0
    for page in PAGES:
        if page.parent.name == "contributing":  # lines of files, with their context left out
            continue
        for _, kind, block in BLOCK.findall(page.read_text("utf-8")):
            if kind in ("python", "{code-cell} ipython3"):
                ast.parse(textwrap.dedent(block))
                snippets += 1
    assert snippets >= 6


def test_links_lead_somewhere() -> None:
    """Those of the site are Sphinx's to judge."""
    for page in (HOME / "README.md", HOME / "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (HOME / link).exists(), link
