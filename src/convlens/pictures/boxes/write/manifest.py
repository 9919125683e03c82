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
from ..boxes import BoxCatalog
from ..forms.table import MARKS

EDGES = ("xmin", "ymin", "xmax", "ymax")


def write_box_manifest(path: Path, catalog: BoxCatalog, *, store: PixelStore, split: Split) -> None:
    """A row for each object, and one with empty cells for each picture without any.

    Boxes are in pixels of the picture as it is seen; `crowd` and `difficult` are 1 where they are.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*MANIFEST, *EDGES, *MARKS))
    for row, name in enumerate(split.assigned):
        url = absolute_url(catalog.sources[row].name)
        content, group = store.contents.hex(row), catalog.groups[row] or ""
        boxes = catalog.boxes[row]
        marks = np.column_stack((boxes.crowd, boxes.difficult)).astype(int).tolist()
        for label, edges, marked in zip(
            boxes.labels.tolist(), boxes.xyxy.tolist(), marks, strict=True
        ):
            cells = (*(f"{at:.10g}" for at in edges), *marked)
            writer.writerow((url, content, catalog.classes[label], name, group, *cells))
        if not len(boxes):
            writer.writerow((url, content, "", name, group, *[""] * len(EDGES + MARKS)))
    write_whole(path, text.getvalue())
