"""From an inspection to its page: which pictures stand on it, and what is drawn on them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..drawing.boxes import COLOURS, WRONG, DrawnBox, with_boxes
from ..drawing.thumbnails import thumbnail
from ..errors import PictureError
from ..files import write_whole
from ..parallel import in_order
from ..pictures.boxes.boxes import BoxCatalog
from ..pictures.catalog import Catalog
from ..pictures.decode import decode
from ..pictures.source import Source
from ..report.inspection import Shown, Told, render_inspection
from .box_errors import BoxIssue
from .inspection import Inspection

SHEET, OF_FINDING = 24, 8
"""Pictures on the sheet, and under each finding."""
SIDE = 320

Drawn = tuple[Source, str, Sequence[DrawnBox]]
"""A picture, what is said of it, and the boxes to draw."""


def write_page(path: Path, inspection: Inspection, catalog: Catalog | BoxCatalog) -> None:
    """Write the page of an inspection of these pictures. Raises `ConvlensError`."""
    rows_of = {name: row for row, name in enumerate(catalog.names)}
    findings = []
    for finding in inspection.findings:
        if isinstance(catalog, BoxCatalog) and any(f.kind == finding.kind for f in catalog.faults):
            drawn = list(_faulty(catalog, finding.kind, rows_of))
        else:
            names = [name for cluster in finding.pictures[:OF_FINDING] for name in cluster]
            drawn = [_drawn(catalog, rows_of[n]) for n in names[:OF_FINDING] if n in rows_of]
        findings.append(
            Told(
                finding.what,
                finding.training,
                names=["  =  ".join(cluster) for cluster in finding.pictures],
                sheet=list(_shown(drawn)),
            )
        )
    if isinstance(catalog, BoxCatalog) and inspection.box_labels:
        findings.append(_suspected(catalog, inspection.box_labels, rows_of))
    heads, rows = inspection.table(inspection.classes)
    classes = catalog.classes if isinstance(catalog, BoxCatalog) else ()
    page = render_inspection(
        f"{catalog.root.name}: what there is, and what is wrong",
        inspection.summary(),
        heads=heads,
        rows=rows,
        findings=findings,
        sample=list(_shown(_drawn(catalog, row) for row in _sample(catalog))),
        legend=[(name, "rgb({} {} {})".format(*_colour(k))) for k, name in enumerate(classes[:50])],
    )
    write_whole(path, page)


def _sample(catalog: Catalog | BoxCatalog) -> list[int]:
    """Rows that show every class, as far as there is room, and else are spread over all."""
    chosen: dict[int, None] = {}
    first: dict[str, int] = {}
    for row in range(len(catalog)):
        for kind in catalog.strata(row):
            first.setdefault(kind, row)
    for row in (*first.values(), *np.linspace(0, len(catalog) - 1, SHEET).astype(int).tolist()):
        if len(chosen) < SHEET:
            chosen.setdefault(row)
    return sorted(chosen)


def _drawn(catalog: Catalog | BoxCatalog, row: int) -> Drawn:
    source = catalog.sources[row]
    name = Path(source.name).name
    if isinstance(catalog, Catalog):
        return source, f"{name}: {catalog.labels[row]}", ()
    boxes = catalog.boxes[row]
    drawn = [
        DrawnBox(box, catalog.classes[label], _colour(label))
        for box, label in zip(boxes.xyxy.tolist(), boxes.labels.tolist(), strict=True)
    ]
    count = "1 object" if len(drawn) == 1 else f"{len(drawn):,} objects"
    return source, f"{name}: {count}", drawn


def _faulty(catalog: BoxCatalog, kind: str, rows_of: dict[str, int]) -> Iterator[Drawn]:
    """The first pictures with faults of a kind, each box that is meant in red."""
    faults = [fault for fault in catalog.faults if fault.kind == kind and fault.source]
    for source in list(dict.fromkeys(fault.source for fault in faults if fault.source))[
        :OF_FINDING
    ]:
        own = [fault for fault in faults if fault.source == source]
        drawn = list(_drawn(catalog, rows_of[source.name])[2]) if source.name in rows_of else []
        drawn += [DrawnBox(fault.box, "", WRONG) for fault in own if fault.box]
        yield source, f"{Path(source.name).name}: {own[0].what}", drawn


def _suspected(catalog: BoxCatalog, issues: Sequence[BoxIssue], rows_of: dict[str, int]) -> Told:
    """Boxes that are probably wrong or missing: what there is, and in red what should be."""
    drawn = [
        (
            catalog.sources[rows_of[issue.name]],
            f"{Path(issue.name).name}: {issue.said} ({issue.probability:.0%})",
            [*_drawn(catalog, rows_of[issue.name])[2], DrawnBox(issue.box, "", WRONG)],
        )
        for issue in issues[:SHEET]
        if issue.name in rows_of
    ]
    return Told(
        f"boxes that are probably wrong or missing, the surest first: {len(issues):,}",
        "learns them as they are: look at each, and correct those that are wrong",
        names=[f"{issue.name}: {issue.said} ({issue.probability:.0%})" for issue in issues],
        sheet=list(_shown(drawn)),
    )


def _colour(label: int) -> tuple[int, int, int]:
    return COLOURS[label % len(COLOURS)]


def _shown(drawn: Iterable[Drawn]) -> Iterator[Shown]:
    """Pictures as a page has them; what cannot be read is left out."""

    def show(one: Drawn) -> Shown | None:
        source, said, boxes = one
        try:
            pixels = with_boxes(decode(source.read()), boxes, side=SIDE)
        except PictureError:
            return None
        return Shown(thumbnail(pixels, SIDE), said)

    yield from (shown for shown in in_order(show, drawn) if shown is not None)
