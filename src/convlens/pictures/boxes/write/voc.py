"""Pascal VOC's XML: `Annotations`, `JPEGImages`, and `ImageSets/Main` where there are splits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from ....files import saying_where, write_whole
from ...catalog import SPLITS
from ..boxes import BoxCatalog
from ..forms.voc import CORNERS, OWN, OWN_PICTURE


def place(_split: str | None) -> str:
    """The folder for pictures of any split."""
    return "JPEGImages"


def write(catalog: BoxCatalog, names: Sequence[str], folder: Path, *, lost: Counter[str]) -> None:
    """Write the annotations and lists of splits; `names` are the pictures' files.

    Pixels count from 1, the last one of a box included, as the form says.
    """
    (folder / "Annotations").mkdir(parents=True, exist_ok=True)
    for row in range(len(catalog)):
        tree = _picture(catalog, row, names[row], lost)
        ElementTree.indent(tree, "\t")
        path = folder / "Annotations" / f"{PurePosixPath(names[row]).stem}.xml"
        with saying_where(path, "write"):
            path.write_bytes(ElementTree.tostring(tree, "utf-8") + b"\n")
    lost["classes without boxes"] += sum(not count for count in catalog.counts().values())
    lost += Counter()  # without zeros
    lists = folder / "ImageSets" / "Main"
    for split in SPLITS:
        rows = catalog.rows_of(split)
        if rows:
            lists.mkdir(parents=True, exist_ok=True)
            lines = (f"{PurePosixPath(names[row]).stem}\n" for row in rows)
            write_whole(lists / f"{split}.txt", "".join(lines))


def _picture(catalog: BoxCatalog, row: int, name: str, lost: Counter[str]) -> ElementTree.Element:
    tree = ElementTree.Element("annotation")
    width, height = catalog.seen_size(row)
    notes = {k: v for k, v in catalog.notes[row].items() if k not in {*OWN_PICTURE, "file_name"}}
    record = {"folder": "JPEGImages", "filename": name, "size": {"width": width, "height": height}}
    _add(tree, record | notes, lost)
    lost["groups"] += catalog.groups[row] is not None
    lost["pictures without a label file"] += not catalog.labelled[row]
    boxes = catalog.boxes[row]
    lost["crowd"] += int(boxes.crowd.sum())
    for index, (left, top, right, bottom) in enumerate(boxes.xyxy.tolist()):
        element = ElementTree.SubElement(tree, "object")
        corners = (f"{round(value, 6):.12g}" for value in (left + 1, top + 1, right, bottom))
        own = {
            "name": catalog.classes[int(boxes.labels[index])],
            "difficult": int(boxes.difficult[index]),
            "bndbox": dict(zip(CORNERS, corners, strict=True)),
        }
        _add(element, own | {k: v for k, v in boxes.beside(index).items() if k not in OWN}, lost)
    return tree


def _add(parent: ElementTree.Element, values: Mapping[str, Any], lost: Counter[str]) -> None:
    """Append values as elements, and of a list one for each; count what no element can hold."""
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, list) or not name.isidentifier():
                lost[name] += 1
                break
            child = ElementTree.SubElement(parent, name)
            if isinstance(one, dict):
                _add(child, one, lost)
            else:
                child.text = "" if one is None else str(one)
