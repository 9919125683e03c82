"""Made pictures with boxes: discs and squares on noise, as COCO's JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("disc", "square")
COLOURS = ((220, 40, 40), (40, 60, 220))


def save_objects(
    folder: Path,
    count: int,
    *,
    size: tuple[int, int] = (128, 96),
    most: int = 3,
    sides: tuple[int, int] = (20, 44),
    seed: int = 0,
) -> Path:
    """So many pictures of this width and height, each with up to `most` objects."""
    random = np.random.default_rng(seed)
    width, height = size
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    (folder / "images").mkdir(parents=True)
    for number in range(count):
        noise = random.integers(90, 130, (height, width, 3)).astype(np.uint8)
        image = Image.fromarray(noise)
        pen = ImageDraw.Draw(image)
        name = f"{number:03d}.png"
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for _ in range(int(random.integers(0, most + 1))):
            side = int(random.integers(*sides))
            x, y = (int(random.integers(0, end - side)) for end in size)
            k = int(random.integers(0, 2))
            draw = pen.rectangle if k else pen.ellipse
            draw([x, y, x + side - 1, y + side - 1], fill=COLOURS[k])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": k + 1,
                    "bbox": [x, y, side, side],
                    "area": side * side,
                    "iscrowd": 0,
                }
            )
        image.save(folder / "images" / name)
    categories = [{"id": k, "name": name} for k, name in enumerate(CLASSES, 1)]
    data = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(data))
    return folder
