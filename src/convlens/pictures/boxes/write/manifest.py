"""The table of a run's pictures with their objects and splits, which can be read again."""

import csv
import io
from pathlib import Path

from ....files import write_whole
from ...shards.urls import absolute_url
from ...splits import Split
from ...store import PixelStore
from ...tables.columns import MANIFEST
from ..boxes import BoxCatalog

EDGES = ("xmin", "ymin", "xmax", "ymax")


def write_box_manifest(path: Path, catalog: BoxCatalog, *, store: PixelStore, split: Split) -> None:
    """A row for each object, and one with empty cells for each picture without any.

    Boxes are in pixels of the picture as it is seen.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*MANIFEST, *EDGES))
    for row, name in enumerate(split.assigned):
        url = absolute_url(catalog.sources[row].name)
        content, group = store.contents.hex(row), catalog.groups[row] or ""
        boxes = catalog.boxes[row]
        for label, edges in zip(boxes.labels.tolist(), boxes.xyxy.tolist(), strict=True):
            cells = (f"{at:.10g}" for at in edges)
            writer.writerow((url, content, catalog.classes[label], name, group, *cells))
        if not len(boxes):
            writer.writerow((url, content, "", name, group, *[""] * len(EDGES)))
    write_whole(path, text.getvalue())
