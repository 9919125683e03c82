"""COCO's JSON: a file for each split in `annotations`, pictures in `images`."""

import json
from collections import Counter
from collections.abc import Sequence
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
    ids = [notes.get("id") for notes in catalog.notes]
    unique = len(set(ids)) == len(ids) and None not in ids
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    count = 0
    for split in dict.fromkeys(catalog.splits):
        record: dict[str, Any] = {
            key: catalog.record[key] for key in ("info", "licenses") if key in catalog.record
        } | {"images": [], "annotations": [], "categories": categories}
        for row, own_split in enumerate(catalog.splits):
            if own_split != split:
                continue
            width, height = catalog.seen_size(row)
            image = dict(catalog.notes[row]) | {
                "id": ids[row] if unique else row + 1,
                "file_name": names[row],
                "width": width,
                "height": height,
            }
            if catalog.groups[row] is not None:
                image["group"] = catalog.groups[row]
            record["images"].append(image)
            lost["pictures without a label file"] += not catalog.labelled[row]
            for annotation in _annotations(catalog, row, numbers):
                count += 1
                record["annotations"].append({"id": count, "image_id": image["id"]} | annotation)
        name = f"instances_{split or 'default'}.json"
        write_whole(folder / "annotations" / name, json.dumps(record, ensure_ascii=False))
    lost += Counter()  # without zeros


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
