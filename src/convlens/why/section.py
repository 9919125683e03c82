"""What every part of the case gives: claims with verdicts, tables, pictures, plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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
    rows: Sequence[Sequence[str]]
    left: int = 1


@dataclass(frozen=True)
class Figure:
    """A picture for the page: markup of our own making, and what it shows in a sentence."""

    caption: str
    markup: str


@dataclass(frozen=True)
class Section:
    """A part of the case. `data` holds every number, for `--json`; `repeat` is the command."""

    key: str
    title: str
    claims: Sequence[Claim]
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """All but the pictures."""
        return {
            "section": self.key,
            "title": self.title,
            "claims": [vars(claim) for claim in self.claims],
            **self.data,
        }


def verdict(value: float, holds: float, nearly: float, unit: str = "") -> tuple[str, str]:
    """A verdict and its rule. Where `holds` is above `nearly`, larger is better."""
    larger = holds >= nearly
    word = "at least" if larger else "at most"
    good, fair = (value >= holds, value >= nearly) if larger else (value <= holds, value <= nearly)
    rule = f"holds with {word} {holds:g}{unit}, nearly with {word} {nearly:g}{unit}"
    return (HOLDS if good else NEARLY if fair else NOT), rule


def exactly(measured: object, stated: object) -> tuple[str, str]:
    """A verdict on figures that can be counted."""
    return (HOLDS if measured == stated else NOT), "holds where the count is the stated one exactly"
