"""Boxes on pictures that EXIF turns: drawn as stored or as seen, they end where the object is."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from boxed import objects_of, read, write
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


def test_a_turned_tiff_has_the_size_that_is_stored() -> None:
    """Pillow tells that as it is seen."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for kind in ("TIFF", "PNG", "JPEG"):
        buffer = io.BytesIO()
        Image.new("RGB", (50, 30)).save(buffer, kind, exif=exif)
        assert head_of(buffer.getvalue()) == (50, 30, 6)
