"""The table of a run's pictures with their objects and splits, which can be read again."""

import csv
import io
from pathlib import Path

import numpy as np

from ....files import write_whole
from ...shards.urls import absolute_url
from ...splits import Split
from ...store import PixelStore
from ...tables.columns import MANIFEST
from ..boxes import BoxCatalog, is_area
from ..forms.table import AREA, MARKS

EDGES = ("xmin", "ymin", "xmax", "ymax")


def write_box_manifest(path: Path, catalog: BoxCatalog, *, store: PixelStore, split: Split) -> None:
    """A row for each object, and one with empty cells for each picture without any.

    Boxes are in pixels of the picture as it is seen; `crowd` and `difficult` are 1 where they are,
    and the area is there where the data says another than the box has.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = (*EDGES, *MARKS, AREA)
    writer.writerow((*MANIFEST, *columns))
    for row, name in enumerate(split.assigned):
        url = absolute_url(catalog.sources[row].name)
        content, group = store.contents.hex(row), catalog.groups[row] or ""
        boxes = catalog.boxes[row]
        marks = np.column_stack((boxes.crowd, boxes.difficult)).astype(int).tolist()
        for index, (label, edges, marked) in enumerate(
            zip(boxes.labels.tolist(), boxes.xyxy.tolist(), marks, strict=True)
        ):
            area = boxes.beside(index).get("area")
            said = f"{area:.10g}" if is_area(area) else ""
            cells = (*(f"{at:.10g}" for at in edges), *marked, said)
            writer.writerow((url, content, catalog.classes[label], name, group, *cells))
        if not len(boxes):
            writer.writerow((url, content, "", name, group, *[""] * len(columns)))
    write_whole(path, text.getvalue())
