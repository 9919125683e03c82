"""The case and its sections as values: claims with verdicts, tables, figures, plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ..html_table import html_list, html_table

SECTIONS = ("arithmetic", "sharing", "sparsity", "translation", "examples", "efficiency")
"""The sections of the case, in order."""
MINUTES = 20.0
"""About how long the experiments take by default."""

HOLDS, NEARLY, NOT = "holds", "holds nearly", "does not hold here"


@dataclass(frozen=True)
class Claim:
    """A sentence of the lecture, what was measured, the verdict, and the rule that gave it."""

    says: str
    figure: str
    verdict: str
    rule: str


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; the first `left` columns are words, the others numbers."""

    title: str
    heads: Sequence[str]
    _: KW_ONLY
    rows: Sequence[Sequence[str]]
    left: int = 1


@dataclass(frozen=True)
class Figure:
    """A picture for the page: markup that this package made, and a sentence on what it shows."""

    caption: str
    markup: str


@dataclass(frozen=True)
class Section:
    """A part of the case.

    `data` holds every number for `--json`; `sketch` is a drawing in characters.
    """

    key: str
    title: str
    _: KW_ONLY
    claims: Sequence[Claim]
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    sketch: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """For notebooks: claims with their verdicts, and tables. Only figures are not text."""
        claims = [(claim.says, claim.figure, claim.verdict) for claim in self.claims]
        tables = [f"<p>{escape(t.title)}</p>{html_table(t.heads, t.rows)}" for t in self.tables]
        figures = [f"{figure.markup}<p>{escape(figure.caption)}</p>" for figure in self.figures]
        parts = [html_table(["claim", "measured", "verdict"], claims), *figures, *tables]
        return f"<h3>{escape(self.title)}</h3>{''.join(parts)}{html_list(self.notes)}"

    def as_json(self) -> dict[str, Any]:
        """All but the figures, as plain data."""
        return {
            "section": self.key,
            "title": self.title,
            "claims": [vars(claim) for claim in self.claims],
            **self.data,
        }


@dataclass(frozen=True)
class Case:
    """The sections that were made.

    `command` makes the case again; `folder` holds the page, and is None where none was written.
    """

    title: str
    command: str
    _: KW_ONLY
    sections: list[Section]
    folder: Path | None

    def _repr_html_(self) -> str:
        """For notebooks: the sections."""
        return "".join(section._repr_html_() for section in self.sections)

    def as_json(self) -> dict[str, object]:
        """Every number as plain data."""
        return {
            "title": self.title,
            "command": self.command,
            "sections": [section.as_json() for section in self.sections],
        }


def verdict(value: float, holds: float, *, nearly: float, unit: str = "") -> tuple[str, str]:
    """A verdict by two thresholds, and the rule in words.

    Args:
        value: What was measured.
        holds: The threshold of "holds". Where it is at least `nearly`, larger values are better.
        nearly: The threshold of "holds nearly".
        unit: What the numbers are of, with a leading space.
    """
    larger = holds >= nearly
    word = "at least" if larger else "at most"
    good, fair = (value >= holds, value >= nearly) if larger else (value <= holds, value <= nearly)
    rule = f"holds with {word} {holds:g}{unit}, nearly with {word} {nearly:g}{unit}"
    return (HOLDS if good else NEARLY if fair else NOT), rule


def exactly(measured: object, stated: object) -> tuple[str, str]:
    """A verdict on what can be counted, and its rule."""
    return (HOLDS if measured == stated else NOT), "holds where the count is the stated one exactly"


def joined(first: Section, *more: Section) -> Section:
    """Several sections as one, under the first one's name."""
    parts = (first, *more)
    return Section(
        first.key,
        first.title,
        claims=[claim for part in parts for claim in part.claims],
        tables=[table for part in parts for table in part.tables],
        figures=[figure for part in parts for figure in part.figures],
        notes=[note for part in parts for note in part.notes],
        sketch="\n\n".join(part.sketch for part in parts if part.sketch),
        data={key: value for part in parts for key, value in part.data.items()},
    )
