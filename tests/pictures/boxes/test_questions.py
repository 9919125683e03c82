"""What can be meant in two ways is asked back, with the words that settle it."""

from pathlib import Path

import pytest

from boxed import OBJECTS, coco, objects_of, read, save_pictures, table, voc, write, yolo
from convlens import train
from convlens.errors import ConvlensError, UsageError
from convlens.options import DataOptions
from convlens.pictures.boxes.read import read_boxes
from convlens.pictures.read import read_catalog
from convlens.tasks.boxes.task import BoxTask
from convlens.tasks.classification.task import Classification
from convlens.training.boxes.dataset import prepare_boxes
from helpers import Convlens, assert_clear, save_shapes


def test_two_forms_side_by_side_are_asked_back(tmp_path: Path) -> None:
    save_pictures(tmp_path / "images")
    write(tmp_path / "annotations.json", coco())
    for name in OBJECTS:
        write(tmp_path / "labels" / f"{name}.txt", yolo(name))
    with pytest.raises(ConvlensError, match=r"boxes in 2 forms.*\n.*coco.*\n.*--boxes yolo"):
        read_boxes(tmp_path)
    assert read(tmp_path, "coco").form == "coco"
    assert read(tmp_path, "yolo").form == "yolo"
    with pytest.raises(ConvlensError, match="has no Pascal VOC's XML, but COCO's JSON and YOLO"):
        read_boxes(tmp_path, boxes="voc")


def test_two_files_of_the_same_pictures_are_asked_back(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    write(tmp_path / "annotations.json", coco())
    write(tmp_path / "annotations-2.json", coco())
    with pytest.raises(ConvlensError, match=r"both say what .* shows: give the one"):
        read_boxes(tmp_path)
    assert objects_of(read(tmp_path / "annotations-2.json")) == OBJECTS


def test_words_that_are_none_are_refused(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    for words in ("xy", "xyxy,xywh"):
        with pytest.raises(UsageError, match="xyxy or xywh or cxcywh"):
            read_boxes(tmp_path, boxes=words)
    with pytest.raises(ConvlensError, match="no boxes in a form that is known"):
        read_boxes(tmp_path, boxes="xyxy")


def test_four_numbers_without_names_are_told_by_what_fits(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    rows = table(lambda f, label, a, b, c, d: f'{f},{label},"[{a}, {b}, {c - a}, {d - b}]"')
    write(tmp_path / "boxes.csv", f"image,label,bbox\n{rows}")
    assert objects_of(read(tmp_path)) == {n: boxes for n, boxes in OBJECTS.items() if boxes}
    write(tmp_path / "boxes.csv", 'image,label,bbox\na.png,cat,"[20, 12, 25, 22]"\n')
    with pytest.raises(ConvlensError, match=r"100.0% as xyxy, 100.0% as xywh.*\n.*--boxes xyxy"):
        read_boxes(tmp_path)
    for words, box in (("xyxy", (20, 12, 25, 22)), ("cxcywh", (7.5, 1, 32.5, 23))):
        assert objects_of(read(tmp_path, words))["a"] == [("cat", box)]


def test_shares_or_pixels_are_told_by_the_numbers_or_asked_back(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    write(tmp_path / "classes.txt", "cat\ndog\n")
    write(tmp_path / "a.txt", "0 30 20 10 10\n")
    with pytest.raises(ConvlensError, match=r"100% like pixels .*\n.*--boxes relative.*\n.*pixels"):
        read_boxes(tmp_path)
    assert objects_of(read(tmp_path, "pixels"))["a"] == [("cat", (25, 15, 35, 25))]
    write(tmp_path / "a.txt", "0 0.5 0.5 0.1 0.1\n1 30 20 10 10\n1 0.5 0.5 0.2 0.2\n")
    catalog = read(tmp_path)
    assert len(catalog.boxes[0]) == 2
    ((fault),) = catalog.faults
    assert (fault.kind, fault.where) == ("absolute", f"{tmp_path / 'a.txt'}, line 2")


def test_corners_in_coco_are_asked_back(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    write(
        tmp_path / "annotations.json",
        coco()
        .replace("[30, 10, 30, 30]", "[30, 10, 60, 40]")
        .replace("[5, 5, 20, 40]", "[5, 5, 38, 58]"),
    )
    with pytest.raises(ConvlensError, match=r"33% lie .*100% if they are left, top, right"):
        read_boxes(tmp_path)
    assert objects_of(read(tmp_path, "xyxy"))["a"][1] == ("dog", (30, 10, 60, 40))


def test_pixels_of_voc_count_from_1_unless_a_box_begins_at_0(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    for name in OBJECTS:
        write(tmp_path / f"{name}.xml", voc(name))
    catalog = read(tmp_path)
    assert objects_of(catalog) == OBJECTS
    assert [fault.kind for fault in catalog.faults] == ["one_based"]
    as_written = read(tmp_path, "from0")
    assert objects_of(as_written)["b"] == [("cat", (6, 6, 25, 45))]
    write(tmp_path / "a.xml", voc("a", first=0))
    assert objects_of(read(tmp_path))["a"][0] == ("cat", (0, 4, 19, 29))


def test_pixels_that_seem_to_count_from_1_are_told(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    rows = table(lambda f, label, a, b, c, d: f"{f},{label},{a + 1},{b + 1},{c + 1},{d + 1}")
    write(tmp_path / "boxes.csv", f"file,label,x1,y1,x2,y2\n{rows}")
    catalog = read(tmp_path)
    assert [fault.kind for fault in catalog.faults] == ["one_based"]
    assert objects_of(catalog)["a"][1] == ("dog", (31, 11, 60, 40))


def test_commands_for_classes_refuse_pictures_with_boxes(tmp_path: Path) -> None:
    save_pictures(tmp_path / "images")
    write(tmp_path / "annotations.json", coco())
    with pytest.raises(ConvlensError, match="has pictures with boxes"):
        read_catalog(tmp_path)


def test_whatever_command_asks_takes_the_answer(tmp_path: Path, convlens: Convlens) -> None:
    save_pictures(tmp_path / "images")
    write(tmp_path / "annotations.json", coco())
    for name in OBJECTS:
        write(tmp_path / "labels" / f"{name}.txt", yolo(name))
    for command in (["train", tmp_path], ["inspect", tmp_path, "--labels"]):
        assert_clear(convlens(*command), 1, "--boxes yolo")
        done = convlens(*command, "--boxes", "voc")
        assert_clear(done, 1, "--boxes voc: ")
    with pytest.raises(ConvlensError, match="--boxes yolo"):
        prepare_boxes(tmp_path, DataOptions(), progress=lambda *_: None)
    options = DataOptions(boxes="yolo", test_fraction=0.0, val_fraction=0.0)
    dataset = prepare_boxes(tmp_path, options, progress=lambda *_: None)
    assert sorted(Path(name).stem for name in dataset.catalog.names) == sorted(OBJECTS)
    catalog = BoxTask().read(tmp_path, boxes="coco")
    assert catalog.form == "coco"


def test_words_about_boxes_are_refused_where_there_are_none(tmp_path: Path) -> None:
    save_shapes(tmp_path, 4)
    with pytest.raises(ConvlensError, match="has no boxes in a form that is known"):
        train(tmp_path, tmp_path / "run", boxes="xyxy")
    assert not (tmp_path / "run").exists()
    with pytest.raises(UsageError, match="this detector's have a class"):
        Classification().read(tmp_path, boxes="coco")
