"""What a task hands on to be shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ..pictures.decode import RGB
from ..pictures.source import Source

Explain: TypeAlias = Callable[[Sequence[tuple[Source, str]]], Sequence[RGB | None]]
"""Draws over pictures what speaks for an answer to them: over the first ones, as many as it can."""


class Grid(NamedTuple):
    """Rows of cells below headings, as text."""

    headings: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Report:
    """A task's part of a run's report."""

    summary: str
    """How good the detector is, in words that need no training."""
    headline: Sequence[tuple[str, str]]
    """Names and values of the most important metrics."""
    body: str
    """The sections on its answers, as HTML in which what came from outside is escaped."""
    learned: str = ""
    """How it learned, where that is told otherwise than of other tasks."""
