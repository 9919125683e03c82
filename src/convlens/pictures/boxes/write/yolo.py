"""YOLO's folders as Ultralytics reads them: `data.yaml`, `images` and `labels`."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from ....files import saying_where, write_whole
from ...catalog import SPLITS
from ..boxes import BoxCatalog, Boxes
from ..upright import Points, points_of

NEAR = 0.01
"""Pixels by which a box and the one around its outline differ at most."""


def place(split: str | None) -> str:
    """The folder for pictures of a split; of none too, since programs look into inner folders."""
    return f"images/{split or 'all'}"


def write(catalog: BoxCatalog, names: Sequence[str], folder: Path, *, lost: Counter[str]) -> None:
    """Write the labels and `data.yaml`; `names` are the pictures' files."""
    own = catalog.form == "yolo"
    numbers = catalog.numbers if own else tuple(range(len(catalog.classes)))
    everything = [(boxes, index) for boxes in catalog.boxes for index in range(len(boxes))]
    counts = {len(_keypoints(*one)) for one in everything}
    keypoints = counts.pop() if len(counts) == 1 else 0  # of each box; programs want one number
    outlines = not keypoints and all(_outline(*one) is not None for one in everything)
    written = "keypoints" if keypoints else "segmentation" if outlines else ""
    for row, boxes in enumerate(catalog.boxes):
        size = np.array(catalog.seen_size(row), np.float64)
        lines = []
        for index in range(len(boxes)):
            points = _outline(boxes, index) if outlines else None
            shares = ((_middle(boxes, index) if points is None else points) / size).reshape(-1)
            if keypoints:
                shares = np.append(shares, _keypoints(boxes, index) / np.append(size, 1))
            number = numbers[int(boxes.labels[index])]
            lines.append(" ".join((str(number), *(f"{share:.12g}" for share in shares))))
            lost.update(key for key in boxes.beside(index) if key != written)
        lost["crowd"] += int(boxes.crowd.sum())
        lost["difficult"] += int(boxes.difficult.sum())
        lost["groups"] += catalog.groups[row] is not None
        lost.update(key for key in catalog.notes[row] if key != "file_name")
        if catalog.labelled[row]:
            labels = place(catalog.splits[row]).replace("images", "labels", 1)
            path = folder / labels / f"{PurePosixPath(names[row]).stem}.txt"
            with saying_where(path, "write"):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    lost += Counter()  # without zeros
    write_whole(folder / "data.yaml", _list(catalog, numbers, keypoints))


def _list(catalog: BoxCatalog, numbers: Sequence[int], keypoints: int) -> str:
    """`data.yaml`: pictures that are of no split stand in both lists, and so are of none."""
    splits = {split for split in catalog.splits if split}
    whole = None in catalog.splits
    text = ""
    for split in SPLITS:
        homes = [place(split)] if split in splits else []
        homes += [place(None)] if whole and split != "test" else []
        if homes:
            text += f"{split}: {homes[0] if len(homes) == 1 else json.dumps(homes)}\n"
    text += f"kpt_shape: [{keypoints}, 3]\n" if keypoints else ""
    text += "names:\n"
    for number, name in zip(numbers, catalog.classes, strict=True):
        text += f"  {number}: {json.dumps(name, ensure_ascii=False)}\n"
    return text


def _middle(boxes: Boxes, index: int) -> Points:
    first, second = boxes.xyxy[index].reshape(2, 2)
    return np.stack(((first + second) / 2, second - first))


def _keypoints(boxes: Boxes, index: int) -> Points:
    """The keypoints of a box, x, y and how visible each; none where it has none."""
    points = points_of(boxes.beside(index).get("keypoints"), 3)
    return np.zeros((0, 3)) if points is None else points


def _outline(boxes: Boxes, index: int) -> Points | None:
    """The points of a box's only outline, where the box is the one around it."""
    outlines = boxes.beside(index).get("segmentation")
    if not isinstance(outlines, list) or len(outlines) != 1:
        return None
    points = points_of(outlines[0], 2)
    if points is None or len(points) < 3:
        return None
    around = np.concatenate((points.min(0), points.max(0)))
    return points if np.abs(around - boxes.xyxy[index]).max() <= NEAR else None
