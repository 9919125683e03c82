"""Three small pictures with boxes, laid out by hand as other programs lay them out."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from convlens.pictures.boxes.boxes import BoxCatalog
from convlens.pictures.boxes.read import read_boxes

Box = tuple[str, tuple[float, float, float, float]]
SIZES = {"a": (60, 40), "b": (40, 60), "c": (50, 50)}
OBJECTS: dict[str, list[Box]] = {
    "a": [("cat", (0, 4, 20, 30)), ("dog", (30, 10, 60, 40))],
    "b": [("cat", (5, 5, 25, 45))],
    "c": [],
}
"""Left, top, right, bottom in pixels."""
SPLITS = {"a": "train", "b": "train", "c": "val"}
CLASSES = ["cat", "dog"]


def save_picture(path: Path, size: tuple[int, int], seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *size]).integers(0, 255, (size[1], size[0], 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def save_pictures(folder: Path, names: Sequence[str] = ("a", "b", "c")) -> None:
    for name in names:
        save_picture(folder / f"{name}.png", SIZES[name])


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def coco(names: Sequence[str] = ("a", "b", "c"), folder: str = "") -> str:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, name in enumerate(names, 7):
        width, height = SIZES[name]
        image = {"id": number, "file_name": f"{folder}{name}.png"}
        images.append(image | {"width": width, "height": height})
        for label, (x0, y0, x1, y1) in OBJECTS[name]:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": {"cat": 3, "dog": 18}[label],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": 3, "name": "cat"}, {"id": 18, "name": "dog"}]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories})


def yolo(name: str) -> str:
    width, height = SIZES[name]
    lines = (
        f"{CLASSES.index(label)} {(x0 + x1) / 2 / width:.9f} {(y0 + y1) / 2 / height:.9f} "
        f"{(x1 - x0) / width:.9f} {(y1 - y0) / height:.9f}\n"
        for label, (x0, y0, x1, y1) in OBJECTS[name]
    )
    return "".join(lines)


def voc(name: str, *, first: int = 1) -> str:
    """With pixels that count from `first`, the last one of a box included."""
    width, height = SIZES[name]
    objects = "".join(
        f"<object><name>{label}</name><difficult>0</difficult><bndbox>"
        f"<xmin>{x0 + first:g}</xmin><ymin>{y0 + first:g}</ymin>"
        f"<xmax>{x1 - 1 + first:g}</xmax><ymax>{y1 - 1 + first:g}</ymax></bndbox></object>"
        for label, (x0, y0, x1, y1) in OBJECTS[name]
    )
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    return f"<annotation><filename>{name}.png</filename>{size}{objects}</annotation>"


def table(row: Callable[[str, str, float, float, float, float], str], empty: str = "") -> str:
    """A row for each box, and `empty` for the picture without any."""
    rows = [row(f"{n}.png", label, *box) for n, boxes in OBJECTS.items() for label, box in boxes]
    return "\n".join([*rows, *([empty] if empty else [])]) + "\n"


def read(pictures: Path, boxes: str | None = None) -> BoxCatalog:
    catalog = read_boxes(pictures, boxes=boxes)
    assert catalog is not None
    return catalog


def objects_of(catalog: BoxCatalog) -> dict[str, list[Box]]:
    """What a catalog says, by the names of the pictures."""
    return {
        Path(source.name.rpartition("#")[2]).stem: [
            (catalog.classes[label], (round(x0, 4), round(y0, 4), round(x1, 4), round(y1, 4)))
            for label, (x0, y0, x1, y1) in zip(
                boxes.labels.tolist(), boxes.xyxy.tolist(), strict=True
            )
        ]
        for source, boxes in zip(catalog.sources, catalog.boxes, strict=True)
    }


def splits_of(catalog: BoxCatalog) -> dict[str, str | None]:
    names = (Path(source.name).stem for source in catalog.sources)
    return dict(zip(names, catalog.splits, strict=True))
