"""What every part of the case gives: claims with verdicts, tables, pictures, plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

SECTIONS = ("arithmetic", "sharing", "sparsity", "translation", "examples", "efficiency")
MINUTES = 20.0
"""Of the case, in order; and about how long its experiments take unless told."""

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
    """A picture for the page: markup of our own making, and what it shows in a sentence."""

    caption: str
    markup: str


@dataclass(frozen=True)
class Section:
    """A part of the case. `data`: every number, for `--json`; `sketch`: a drawing in characters."""

    key: str
    title: str
    _: KW_ONLY
    claims: Sequence[Claim]
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    sketch: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """All but the pictures."""
        return {
            "section": self.key,
            "title": self.title,
            "claims": [vars(claim) for claim in self.claims],
            **self.data,
        }


def verdict(value: float, holds: float, *, nearly: float, unit: str = "") -> tuple[str, str]:
    """A verdict and its rule. Where `holds` is above `nearly`, larger is better."""
    larger = holds >= nearly
    word = "at least" if larger else "at most"
    good, fair = (value >= holds, value >= nearly) if larger else (value <= holds, value <= nearly)
    rule = f"holds with {word} {holds:g}{unit}, nearly with {word} {nearly:g}{unit}"
    return (HOLDS if good else NEARLY if fair else NOT), rule


def exactly(measured: object, stated: object) -> tuple[str, str]:
    """A verdict on figures that can be counted."""
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
