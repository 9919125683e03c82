"""Boxes on pictures that EXIF turns: drawn as stored or as seen, they end where the object is."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from boxed import objects_of, read, write
from convlens import convert
from convlens.pictures.boxes.upright import head_of, turn_points
from convlens.pictures.decode import ORIENTATION, decode

BOX = (6, 2, 21, 11)
SIZE = (50, 30)


def turned(path: Path, orientation: int) -> tuple[float, ...]:
    """A white box on black as stored, the orientation in EXIF; the box as Pillow turns it."""
    image = Image.new("RGB", SIZE)
    image.paste((255, 255, 255), BOX)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif)
    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened)
    box = upright.convert("L").getbbox()
    assert box is not None
    assert np.array_equal(decode(path.read_bytes()), np.asarray(upright))
    return tuple(map(float, box))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_drawn_as_stored_turn_with_their_picture(orientation: int, tmp_path: Path) -> None:
    seen = turned(tmp_path / "a.png", orientation)
    write(tmp_path / "boxes.csv", f"file,label,x1,y1,x2,y2\na.png,cat,{','.join(map(str, BOX))}\n")
    catalog = read(tmp_path, "stored")
    assert objects_of(catalog)["a"] == [("cat", seen)]
    assert (catalog.sizes[0], catalog.orientations[0]) == (SIZE, orientation)
    assert catalog.seen_size(0) == (SIZE if orientation < 5 else SIZE[::-1])


@pytest.mark.parametrize("orientation", [6, 8])
def test_the_size_that_labels_say_tells_how_boxes_were_drawn(
    orientation: int, tmp_path: Path
) -> None:
    seen = turned(tmp_path / "a.png", orientation)
    for size, box in ((SIZE, BOX), (SIZE[::-1], seen)):
        numbers = ",".join(f"{value:g}" for value in (*size, *box))
        write(tmp_path / "boxes.csv", f"file,label,width,height,x1,y1,x2,y2\na.png,cat,{numbers}\n")
        catalog = read(tmp_path)
        assert objects_of(catalog)["a"] == [("cat", seen)]
        assert not catalog.faults


def test_what_one_picture_tells_holds_for_those_that_do_not(tmp_path: Path) -> None:
    sideways, over = turned(tmp_path / "a.png", 6), turned(tmp_path / "b.png", 3)
    box = ",".join(map(str, BOX))
    write(
        tmp_path / "boxes.csv",
        f"file,label,x1,y1,x2,y2\na.png,cat,{box}\nb.png,cat,{box}\na.png,cat,30,20,49,29\n",
    )
    catalog = read(tmp_path)
    assert objects_of(catalog)["a"][0] == ("cat", sideways)
    assert objects_of(catalog)["b"] == [("cat", over)]
    told = [(fault.kind, Path(fault.where).name) for fault in catalog.faults]
    assert told == [("orientation", "b.png")]
    assert objects_of(read(tmp_path, "seen"))["b"] == [("cat", BOX)]


def test_outlines_turn_too() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", SIZE).save(buffer, "PNG")
    assert head_of(buffer.getvalue()) == (*SIZE, 1)
    corner = np.array([[0.0, 0.0]])
    corners = {o: tuple(turn_points(corner, SIZE, o)[0]) for o in range(1, 9)}
    assert corners == {
        1: (0, 0),
        2: (50, 0),
        3: (50, 30),
        4: (0, 30),
        5: (0, 0),
        6: (30, 0),
        7: (30, 50),
        8: (0, 50),
    }


def coco_of_one(size: tuple[int, int], *annotations: dict[str, Any]) -> str:
    """A picture and its objects, all with the same box unless they say another."""
    left, top, right, bottom = BOX
    box = {"bbox": [left, top, right - left, bottom - top], "category_id": 1, "image_id": 1}
    image = {"id": 1, "file_name": "a.png", "width": size[0], "height": size[1]}
    record = {
        "images": [image],
        "annotations": [box | {"id": k} | own for k, own in enumerate(annotations, 1)],
        "categories": [{"id": 1, "name": "cat"}],
    }
    return json.dumps(record)


LEFT, TOP, RIGHT, BOTTOM = BOX
OUTLINE = [LEFT, TOP, RIGHT, TOP, RIGHT, BOTTOM, LEFT, BOTTOM]
KEYPOINTS = [LEFT, TOP, 2, RIGHT, BOTTOM, 1, 0, 0, 0]


def around(points: Any) -> tuple[float, ...]:
    return (*np.min(points, 0).tolist(), *np.max(points, 0).tolist())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_outlines_and_keypoints_turn_with_their_box(orientation: int, tmp_path: Path) -> None:
    seen = turned(tmp_path / "a.png", orientation)
    own = {"segmentation": [OUTLINE], "keypoints": KEYPOINTS, "area": 70.5}
    write(tmp_path / "annotations.json", coco_of_one(SIZE, own))
    beside = read(tmp_path, "stored").boxes[0].beside(0)
    assert around(np.reshape(beside["segmentation"][0], (-1, 2))) == seen
    points = np.reshape(beside["keypoints"], (-1, 3))
    assert around(points[:2, :2]) == seen
    assert points[:, 2].tolist() == [2, 1, 0]
    assert points[2].tolist() == [0, 0, 0]
    assert beside["area"] == 70.5


def test_outlines_keypoints_and_areas_are_scaled_with_their_box(tmp_path: Path) -> None:
    turned(tmp_path / "a.png", 1)
    large = [2 * number for number in BOX]
    own = {
        "bbox": [large[0], large[1], large[2] - large[0], large[3] - large[1]],
        "segmentation": [[2 * number for number in OUTLINE]],
        "keypoints": [2 * LEFT, 2 * TOP, 2, 2 * RIGHT, 2 * BOTTOM, 1, 0, 0, 0],
        "area": 282,
    }
    write(tmp_path / "annotations.json", coco_of_one((100, 60), own))
    catalog = read(tmp_path)
    assert objects_of(catalog)["a"] == [("cat", BOX)]
    beside = {"id": 1, "segmentation": [OUTLINE], "keypoints": KEYPOINTS, "area": 70.5}
    assert catalog.boxes[0].beside(0) == beside


def test_what_cannot_be_moved_is_left_out_and_counted(tmp_path: Path) -> None:
    """A mask, and outlines and keypoints that are none; where nothing moves, they stay."""
    mask = {"segmentation": {"size": [30, 50], "counts": "0a1b"}}
    odd: list[dict[str, Any]] = [
        {"segmentation": [[1, 2, 3]]},
        {"segmentation": [[1, 2, 3, 4, 5, "x"]]},
        {"segmentation": [OUTLINE, [None, 1]]},
        {"keypoints": [1, 2]},
    ]
    boxes = [{"bbox": [k, k, 10, 10]} for k in range(5)]
    own = [of | box for of, box in zip([mask, *odd], boxes, strict=True)]
    write(tmp_path / "in" / "annotations.json", coco_of_one(SIZE, *own))
    turned(tmp_path / "in" / "a.png", 6)
    catalog = read(tmp_path / "in")
    assert len(catalog.boxes[0]) == 5
    ids = [{"id": number} for number in range(1, 6)]
    assert [*catalog.boxes[0].extras] == ids
    written = convert(tmp_path / "in", tmp_path / "out", to="coco")
    assert written.lost == {
        "segmentation that cannot be moved": 4,
        "keypoints that cannot be moved": 1,
    }
    turned(tmp_path / "in" / "a.png", 1)
    catalog = read(tmp_path / "in")
    assert [*catalog.boxes[0].extras] == [a | b for a, b in zip(ids, [mask, *odd], strict=True)]
    assert not catalog.lost
    for to in ("coco", "yolo", "voc"):
        assert convert(tmp_path / "in", tmp_path / to, to=to).boxes == 5


def test_a_turned_tiff_has_the_size_that_is_stored() -> None:
    """Pillow tells that as it is seen."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for kind in ("TIFF", "PNG", "JPEG"):
        buffer = io.BytesIO()
        Image.new("RGB", (50, 30)).save(buffer, kind, exif=exif)
        assert head_of(buffer.getvalue()) == (50, 30, 6)
