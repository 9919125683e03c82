"""The page of an inspection: what there is, what is wrong, and pictures to look at."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..drawing.template import rendered, text_of

NAMED = 100
"""Names under a finding."""


@dataclass(frozen=True)
class Shown:
    """A picture on a sheet, as a `data:` address, and what is said of it."""

    image: str
    said: str


@dataclass(frozen=True)
class Told:
    """A finding: what, what training does, the names concerned, and pictures of them."""

    what: str
    training: str
    names: Sequence[str]
    sheet: Sequence[Shown]


def render_inspection(
    title: str,
    summary: str,
    *,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    findings: Sequence[Told],
    sample: Sequence[Shown],
    legend: Sequence[tuple[str, str]],
) -> str:
    """The page as text, with everything inside it; what came from outside is escaped.

    `heads` and `rows` are the table of classes, `sample` is a sheet of pictures, and `legend` says
    which class is drawn in which colour.
    """
    return rendered(
        "report/inspection.html",
        title=title,
        style=text_of("report/style.css"),
        summary=summary,
        heads=heads,
        rows=rows,
        findings=[
            {
                "what": finding.what,
                "training": finding.training,
                "count": len(finding.names),
                "names": finding.names[:NAMED],
                "sheet": finding.sheet,
            }
            for finding in findings
        ],
        sample=sample,
        legend=legend,
    )
