"""What is wrong with boxes is mended or left out, and told with file and line."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxed import coco, objects_of, read, save_picture, save_pictures, voc, write, yolo
from convlens.errors import ConvlensError
from convlens.pictures.boxes.boxes import BoxCatalog, Boxes
from convlens.pictures.boxes.check import SAME, check
from convlens.pictures.boxes.read import read_boxes
from convlens.pictures.source import BytesSource


def with_boxes(folder: Path, *boxes: Sequence[float]) -> BoxCatalog:
    """Picture a of 60×40 pixels with one good box and these: left, top, right, bottom."""
    save_pictures(folder, ["a"])
    rows = "".join(
        f"a.png,cat,{','.join(f'{v:g}' for v in box)}\n" for box in ((3, 4, 30, 20), *boxes)
    )
    write(folder / "boxes.csv", f"file,label,xmin,ymin,xmax,ymax\n{rows}")
    return read(folder, "pixels")


@pytest.mark.parametrize(
    ("box", "kind", "left"),
    [
        ((40, 30, 20, 10), "swapped", (20, 10, 40, 30)),
        ((20, 10, 20, 30), "empty", None),
        ((70, 10, 90, 30), "outside", None),
        ((50, 10, 90, 30), "beyond", (50, 10, 60, 30)),
        ((-9, 10, 20, 30), "beyond", (0, 10, 20, 30)),
        ((50, 10, 60.4, 30), "", (50, 10, 60, 30)),
        ((0.2, 0.1, 0.5, 0.9), "relative", None),
        ((3.2, 4, 30, 20.3), "doubled", None),
        ((0, 0, 60, 40), "whole", (0, 0, 60, 40)),
    ],
)
def test_what_is_wrong_is_mended_or_left_out(
    box: Sequence[float], kind: str, left: Sequence[float] | None, tmp_path: Path
) -> None:
    catalog = with_boxes(tmp_path, box)
    boxes = [found for _, found in objects_of(catalog)["a"]]
    assert boxes == [(3, 4, 30, 20), *([left] if left else [])]
    told = [(fault.kind, fault.where) for fault in catalog.faults]
    assert told == ([(kind, f"{tmp_path / 'boxes.csv'}, line 3")] if kind else [])


@given(st.lists(st.tuples(*(st.integers(-10, 70),) * 4, st.integers(0, 1)), max_size=12))
def test_what_is_left_lies_in_the_picture_once(rows: list[tuple[int, ...]]) -> None:
    numbers = np.array(rows, np.float64).reshape(-1, 5)
    count, none = len(rows), np.zeros(len(rows), np.bool_)
    boxes = Boxes(
        xyxy=numbers[:, :4],
        labels=numbers[:, 4].astype(np.int64),
        crowd=none,
        difficult=none,
        places=np.arange(count),
    )
    kept, faults = check(boxes, boxes.xyxy, (60, 40), BytesSource("a", b""), units="pixels")
    assert (kept.xyxy >= 0).all() and (kept.xyxy <= [60, 40, 60, 40]).all()
    assert (kept.xyxy[:, 2:] > kept.xyxy[:, :2]).all()
    for label in (0, 1):
        of_class = kept.xyxy[kept.labels == label]
        apart = (
            np.abs(of_class[:, None] - of_class[None]).max(2) if len(of_class) else np.zeros((0, 0))
        )
        assert (apart + 9 * np.eye(len(of_class)) > SAME).all()
    dropped = {fault.where for fault in faults if fault.kind in {"empty", "outside", "doubled"}}
    assert count - len(kept) == len(dropped)


def test_damaged_label_files_are_skipped_and_listed(tmp_path: Path) -> None:
    save_pictures(tmp_path / "voc")
    for name in ("a", "b", "c"):
        write(tmp_path / "voc" / f"{name}.xml", voc(name))
    write(tmp_path / "voc" / "b.xml", voc("b")[:90])
    write(tmp_path / "voc" / "d.xml", voc("c"))
    write(tmp_path / "voc" / "e.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]>" + voc("e".replace("e", "c")))
    catalog = read(tmp_path / "voc")
    assert list(objects_of(catalog)) == ["a", "c"]
    reasons = {Path(name).name: reason for name, reason in catalog.skipped}
    assert "cannot be read (unclosed token" in reasons["b.xml"]
    assert "as another file is" in reasons["d.xml"]
    assert "declares entities" in reasons["e.xml"]
    save_pictures(tmp_path / "yolo")
    for name in ("a", "b", "c"):
        write(tmp_path / "yolo" / f"{name}.txt", yolo(name))
    (tmp_path / "yolo" / "b.txt").write_bytes(b"0 .5 .5 .1 .1\n\xff\xfe\x00")
    write(tmp_path / "yolo" / "gone.txt", yolo("a"))
    catalog = read(tmp_path / "yolo")
    assert list(objects_of(catalog)) == ["a", "c"]
    reasons = {Path(name).name: reason for name, reason in catalog.skipped}
    assert reasons["gone.txt"] == "is of no picture that is there"
    assert "so its picture is left out" in reasons["b.txt"]


def test_lines_and_objects_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    save_pictures(tmp_path / "yolo", ["a"])
    text = "0 .5 .5 .2 .2\ncat .5 .5 .2 .2\n0 .5 .5\n7 .5 .5 .3 .3\n0 nan .5 .1 .1\n"
    write(tmp_path / "yolo" / "a.txt", text)
    write(tmp_path / "yolo" / "classes.txt", "cat\n")
    catalog = read(tmp_path / "yolo")
    file = tmp_path / "yolo" / "a.txt"
    assert [(fault.kind, fault.where) for fault in catalog.faults] == [
        ("unreadable", f"{file}, line 2"),
        ("unreadable", f"{file}, line 3"),
        ("unnamed", f"{file}, line 4"),
        ("unreadable", f"{file}, line 5"),
    ]
    assert catalog.counts() == {"cat": 1, "class 7": 1}
    save_pictures(tmp_path / "coco")
    record = json.loads(coco())
    record["annotations"] += [{"id": 9, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3]}]
    record["annotations"] += [{"id": 10, "image_id": 99, "category_id": 3, "bbox": [1, 2, 3, 4]}]
    record["annotations"] += [{"id": 11, "image_id": 9, "category_id": 5, "bbox": [1, 2, 3, 4]}]
    record["images"] += [{"id": 70, "file_name": "gone.png"}, {"id": 7, "file_name": "c.png"}]
    write(tmp_path / "coco" / "annotations.json", json.dumps(record))
    catalog = read(tmp_path / "coco")
    told = {(fault.kind, fault.where.rpartition(", ")[2]) for fault in catalog.faults}
    assert told == {
        ("unreadable", "annotation 9"),
        ("unreadable", "annotation 10"),
        ("unnamed", "annotation 11"),
    }
    reasons = {name.rpartition(", ")[2]: reason for name, reason in catalog.skipped}
    assert reasons == {"gone.png": "is not there", "c.png": "has the id 7, which is taken"}


def test_a_list_that_is_damaged_is_an_error(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    write(tmp_path / "data.yaml", "names: [cat\ntrain: images\n")
    with pytest.raises(ConvlensError, match=r"data\.yaml is not readable as YAML"):
        read_boxes(tmp_path)
    (tmp_path / "data.yaml").unlink()
    write(tmp_path / "_annotations.coco.json", coco()[:100])
    with pytest.raises(ConvlensError, match=r"_annotations\.coco\.json is not readable as JSON"):
        read_boxes(tmp_path)
    write(tmp_path / "_annotations.coco.json", coco().replace(".png", ".gone"))
    for path in tmp_path.glob("*.png"):
        path.unlink()
    with pytest.raises(ConvlensError, match=r"of no picture .*\n.*image 0, a\.gone: is not"):
        read_boxes(tmp_path)


def test_few_and_many_objects_and_sizes_far_apart(tmp_path: Path) -> None:
    save_picture(tmp_path / "small.png", (20, 20))
    save_picture(tmp_path / "large.png", (8000, 50))
    x, y = np.meshgrid(np.arange(25.0), np.arange(20.0))
    many = "".join(
        f"0 {(a + 0.5) / 25:g} {(b + 0.5) / 20:g} 0.02 0.02\n"
        for a, b in zip(x.flat, y.flat, strict=True)
    )
    write(tmp_path / "large.txt", many)
    write(tmp_path / "small.txt", "1 0.5 0.5 0.1 0.1\n")
    write(tmp_path / "classes.txt", "cat\ndog\nbird\n")
    catalog = read(tmp_path)
    assert catalog.counts() == {"cat": 500, "dog": 1, "bird": 0}
    assert catalog.sizes == ((8000, 50), (20, 20))
    assert not catalog.faults


def test_boxes_of_a_larger_copy_are_scaled(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a"])
    text = voc("a").replace(
        "<width>60</width><height>40</height>", "<width>120</width><height>80</height>"
    )
    write(tmp_path / "a.xml", text)
    catalog = read(tmp_path, "from0")
    assert objects_of(catalog)["a"] == [("cat", (0.5, 2.5, 10, 15)), ("dog", (15.5, 5.5, 30, 20))]
    assert [fault.kind for fault in catalog.faults] == ["size"]
