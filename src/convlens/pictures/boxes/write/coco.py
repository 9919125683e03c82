"""COCO's JSON: a file for each split in `annotations`, pictures in `images`."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from ....files import write_whole
from ..boxes import BoxCatalog, is_area
from ..forms.coco import OWN


def place(split: str | None) -> str:
    """The folder for pictures of a split."""
    return f"images/{split}" if split else "images"


def write(catalog: BoxCatalog, names: Sequence[str], folder: Path, *, lost: Counter[str]) -> None:
    """Write the annotations; `names` are the pictures' files."""
    own = catalog.form == "coco" and len(set(catalog.numbers)) == len(catalog.numbers)
    numbers = catalog.numbers if own else range(1, len(catalog.classes) + 1)
    told = {c.get("name"): c for c in catalog.record.get("categories", []) if isinstance(c, dict)}
    categories = [
        told.get(name, {}) | {"id": number, "name": name}
        for number, name in zip(numbers, catalog.classes, strict=True)
    ]
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    new_images, new_annotations = count(1), count(1)
    for split in dict.fromkeys(catalog.splits):
        rows = catalog.rows_of(split)
        record: dict[str, Any] = {
            key: catalog.record[key] for key in ("info", "licenses") if key in catalog.record
        } | {"images": [], "annotations": [], "categories": categories}
        told_ids = [catalog.notes[row].get("id") for row in rows]
        ids = _ids(told_ids, new_images, kinds=(int, float, str), lost=lost, what="image ids")
        for row, number in zip(rows, ids, strict=True):
            width, height = catalog.seen_size(row)
            image = dict(catalog.notes[row]) | {
                "id": number,
                "file_name": names[row],
                "width": width,
                "height": height,
            }
            if catalog.groups[row] is not None:
                image["group"] = catalog.groups[row]
            record["images"].append(image)
            lost["pictures without a label file"] += not catalog.labelled[row]
            record["annotations"] += [
                {"id": None, "image_id": number} | annotation
                for annotation in _annotations(catalog, row, numbers)
            ]
        told_ids = [annotation["id"] for annotation in record["annotations"]]
        ids = _ids(told_ids, new_annotations, kinds=(int,), lost=lost, what="annotation ids")
        for annotation, number in zip(record["annotations"], ids, strict=True):
            annotation["id"] = number
        name = f"instances_{split or 'default'}.json"
        write_whole(folder / "annotations" / name, json.dumps(record, ensure_ascii=False))
    lost += Counter()  # without zeros


def _ids(
    told: Sequence[Any],
    new: Iterator[int],
    *,
    kinds: tuple[type, ...],
    lost: Counter[str],
    what: str,
) -> list[Any]:
    """The ids of things in one file: their own where it is of these kinds and no other has it."""
    counts = Counter(one for one in told if isinstance(one, kinds))
    free = (number for number in new if number not in counts)
    ids = [one if isinstance(one, kinds) and counts[one] == 1 else next(free) for one in told]
    lost[what] += sum(one is not None and one != own for one, own in zip(told, ids, strict=True))
    return ids


def _annotations(catalog: BoxCatalog, row: int, numbers: Sequence[int]) -> list[dict[str, Any]]:
    boxes = catalog.boxes[row]
    annotations = []
    for index, (left, top, right, bottom) in enumerate(boxes.xyxy.tolist()):
        bbox = [round(value, 6) for value in (left, top, right - left, bottom - top)]
        annotation = {
            "category_id": numbers[int(boxes.labels[index])],
            "bbox": bbox,
            "area": round(bbox[2] * bbox[3], 6),
            "iscrowd": int(boxes.crowd[index]),
        } | {
            key: value
            for key, value in boxes.beside(index).items()
            if key not in OWN and (key != "area" or is_area(value))
        }
        if boxes.difficult[index]:
            annotation["difficult"] = 1
        annotations.append(annotation)
    return annotations
