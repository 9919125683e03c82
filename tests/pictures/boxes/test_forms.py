"""Boxes as people have them are recognised without an option, and are the same in every form."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from boxed import (
    CLASSES,
    OBJECTS,
    SPLITS,
    coco,
    objects_of,
    read,
    save_pictures,
    splits_of,
    table,
    voc,
    write,
    yolo,
)
from convlens import convert
from convlens.errors import ConvlensError
from convlens.pictures.boxes.read import read_boxes
from helpers import package, save_shapes

Layout = Callable[[Path], None]


def coco_in_one_file(folder: Path) -> None:
    save_pictures(folder / "images")
    write(folder / "annotations.json", coco())


def coco_of_roboflow(folder: Path) -> None:
    for split, names in (("train", ["a", "b"]), ("valid", ["c"])):
        save_pictures(folder / split, names)
        write(folder / split / "_annotations.coco.json", coco(names))


def coco_of_cvat(folder: Path) -> None:
    for split, names in (("Train", ["a", "b"]), ("Validation", ["c"])):
        save_pictures(folder / "images" / split, names)
        write(folder / "annotations" / f"instances_{split}.json", coco(names))


def coco_2017(folder: Path) -> None:
    for split, names in (("train", ["a", "b"]), ("val", ["c"])):
        save_pictures(folder / f"{split}2017", names)
        write(folder / "annotations" / f"instances_{split}2017.json", coco(names))
        write(folder / "annotations" / f"captions_{split}2017.json", coco(names))


def yolo_of_ultralytics(folder: Path) -> None:
    for name, split in SPLITS.items():
        save_pictures(folder / "images" / split, [name])
        write(folder / "labels" / split / f"{name}.txt", yolo(name))
    write(
        folder / "data.yaml",
        "path: ../datasets/street\ntrain: images/train\nval: images/val\ntest:\n"
        "names:\n  0: cat\n  1: dog\n",
    )


def yolo_of_roboflow(folder: Path) -> None:
    for name, split in {"a": "train", "b": "train", "c": "valid"}.items():
        save_pictures(folder / split / "images", [name])
        write(folder / split / "labels" / f"{name}.txt", yolo(name))
    write(
        folder / "data.yaml",
        "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['cat', 'dog']\n",
    )
    write(folder / "README.roboflow.txt", "street\n")


def yolo_with_lists(folder: Path) -> None:
    save_pictures(folder / "images")
    for name in SPLITS:
        write(folder / "labels" / f"{name}.txt", yolo(name))
    write(folder / "train.txt", "./images/a.png\n/home/me/street/images/b.png\n")
    write(folder / "val.txt", "images/c.png\n")
    write(folder / "data.yaml", "train: train.txt\nval: val.txt\nnames: [cat, dog]\n")


def yolo_of_darknet(folder: Path) -> None:
    save_pictures(folder / "obj_train_data")
    for name in SPLITS:
        write(folder / "obj_train_data" / f"{name}.txt", yolo(name))
    write(folder / "obj.names", "cat\ndog\n")
    write(folder / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n")
    write(folder / "train.txt", "".join(f"data/obj_train_data/{n}.png\n" for n in SPLITS))


def yolo_of_labelimg(folder: Path) -> None:
    save_pictures(folder)
    for name in SPLITS:
        write(folder / f"{name}.txt", yolo(name))
    write(folder / "classes.txt", "cat\ndog\n")


def yolo_without_a_list(folder: Path) -> None:
    yolo_of_ultralytics(folder)
    (folder / "data.yaml").unlink()
    write(folder / "labels" / "classes.txt", "cat\ndog\n")


def voc_with_lists(folder: Path) -> None:
    save_pictures(folder / "JPEGImages")
    for name in SPLITS:
        write(folder / "Annotations" / f"{name}.xml", voc(name))
    write(folder / "ImageSets" / "Main" / "train.txt", "a\nb\n")
    write(folder / "ImageSets" / "Main" / "val.txt", "c\n")
    write(folder / "ImageSets" / "Main" / "trainval.txt", "a\nb\nc\n")


def voc_of_kaggle(folder: Path) -> None:
    save_pictures(folder / "images")
    for name in SPLITS:
        write(folder / "annotations" / "xmls" / f"{name}.xml", voc(name))


def voc_beside_pictures(folder: Path) -> None:
    save_pictures(folder)
    for name in SPLITS:
        write(folder / f"{name}.xml", voc(name))


def table_of_tensorflow(folder: Path) -> None:
    save_pictures(folder)
    rows = table(
        lambda f, label, *box: ",".join((f, "1", "1", label, *(f"{v:g}" for v in box))),
        "c.png,50,50,,,,,",
    )
    write(folder / "_annotations.csv", f"filename,width,height,class,xmin,ymin,xmax,ymax\n{rows}")


def table_of_widths(folder: Path) -> None:
    save_pictures(folder / "images")
    rows = table(lambda f, label, a, b, c, d: f"{label};{f};{a};{b};{c - a};{d - b}", ";c.png;;;;")
    write(folder / "boxes.csv", f"class;image;x;y;w;h\n{rows}")


def table_of_shares(folder: Path) -> None:
    save_pictures(folder)
    sizes = {"a.png": (60, 40), "b.png": (40, 60)}

    def row(f: str, label: str, a: float, b: float, c: float, d: float) -> str:
        width, height = sizes[f]
        return f"{f},{label},{a / width},{c / width},{b / height},{d / height}"

    rows = table(row, "c.png,,,,,")
    write(folder / "t.csv", f"image_id,label,XMin,XMax,YMin,YMax\n{rows}")


def table_without_names(folder: Path) -> None:
    save_pictures(folder)
    rows = table(
        lambda f, label, *box: f"{f},{','.join(f'{v:g}' for v in box)},{label}", "c.png,,,,,"
    )
    write(folder / "boxes.csv", rows)


def table_in_parquet(folder: Path) -> None:
    pa, parquet = package("pyarrow"), package("pyarrow.parquet")
    save_pictures(folder)
    rows = {
        "file_name": [f"{name}.png" for name in OBJECTS],
        "objects": [
            {
                "bbox": [[a, b, c - a, d - b] for _, (a, b, c, d) in boxes],
                "category": [CLASSES.index(label) for label, _ in boxes],
            }
            for boxes in OBJECTS.values()
        ],
    }
    feature = {"category": {"feature": {"names": CLASSES, "_type": "ClassLabel"}}}
    features = {"info": {"features": {"objects": feature}}}
    made = pa.table(rows).replace_schema_metadata({"huggingface": json.dumps(features)})
    parquet.write_table(made, folder / "metadata.parquet")


WITHOUT_SPLITS = [
    *(coco_in_one_file, yolo_of_labelimg, voc_beside_pictures, voc_of_kaggle),
    *(table_of_tensorflow, table_of_widths, table_of_shares, table_without_names, table_in_parquet),
]
WITH_SPLITS = [
    *(coco_of_roboflow, coco_of_cvat, coco_2017, yolo_of_ultralytics, yolo_of_roboflow),
    *(yolo_with_lists, yolo_without_a_list, voc_with_lists),
]


@pytest.mark.parametrize(
    "layout", [*WITHOUT_SPLITS, *WITH_SPLITS], ids=lambda layout: layout.__name__
)
def test_every_form_says_the_same_boxes(layout: Layout, tmp_path: Path) -> None:
    layout(tmp_path)
    catalog = read(tmp_path)
    assert objects_of(catalog) == OBJECTS
    assert catalog.classes == ("cat", "dog")
    assert splits_of(catalog) == (SPLITS if layout in WITH_SPLITS else dict.fromkeys(SPLITS))
    assert not catalog.skipped
    assert {fault.kind for fault in catalog.faults} <= {"size", "one_based"}
    assert all(catalog.labelled)


def test_darknet_lists_what_is_to_train(tmp_path: Path) -> None:
    yolo_of_darknet(tmp_path)
    catalog = read(tmp_path)
    assert objects_of(catalog) == OBJECTS
    assert set(catalog.splits) == {"train"}


def test_files_may_be_given_themselves_and_folders_wrapped(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "street"
    coco_of_cvat(inner)
    assert objects_of(read(tmp_path / "outer")) == OBJECTS
    only = read(inner / "annotations" / "instances_Train.json")
    assert objects_of(only) == {name: OBJECTS[name] for name in ("a", "b")}
    yolo_of_ultralytics(tmp_path / "yolo")
    assert objects_of(read(tmp_path / "yolo" / "data.yaml")) == OBJECTS


def test_pictures_of_one_class_each_have_no_boxes(tmp_path: Path) -> None:
    folder = save_shapes(tmp_path / "classes", 3)
    write(folder / "notes.txt", "1 2 3 4 5\n")
    write(folder / "info.json", '{"categories": []}')
    write(folder / "table.csv", "path,label\ndisc/000.png,disc\n")
    assert read_boxes(folder) is None
    assert read_boxes(folder / "table.csv") is None


def test_polygons_become_boxes_around_them(tmp_path: Path) -> None:
    save_pictures(tmp_path / "images", ["c"])
    write(tmp_path / "labels" / "c.txt", "0 0.1 0.2 0.5 0.1 0.3 0.8\n1 .5 .5 .2 .2 0.9\n")
    write(tmp_path / "data.yaml", "train: images\nnames: [cat, dog]\n")
    catalog = read(tmp_path)
    assert objects_of(catalog)["c"] == [("cat", (5, 5, 25, 40)), ("dog", (20, 20, 30, 30))]
    assert catalog.boxes[0].beside(0)["segmentation"] == [[5, 10, 25, 5, 15, 40]]
    assert catalog.boxes[0].beside(1) == {"score": 0.9}


@pytest.mark.parametrize("shape", [[3, 2], [3, 3]])
def test_keypoints_of_yolo_become_those_of_coco(shape: list[int], tmp_path: Path) -> None:
    """In pixels, and three numbers each; what is not labelled stays zeros."""
    save_pictures(tmp_path / "in" / "images", ["c"])
    points = (0.4, 0.2, 2), (0.2, 0.6, 2), (0, 0, 0)
    line = " ".join(f"{number:g}" for point in points for number in point[: shape[1]])
    write(tmp_path / "in" / "labels" / "c.txt", f"0 .5 .5 .8 .8 {line}\n")
    write(tmp_path / "in" / "data.yaml", f"train: images\nkpt_shape: {shape}\nnames: [cat]\n")
    written = convert(tmp_path / "in", tmp_path / "out", to="coco")
    record = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    (annotation,) = record["annotations"]
    assert annotation["keypoints"] == [20, 10, 2, 10, 30, 2, 0, 0, 0]
    assert annotation["bbox"] == [5, 5, 40, 40]
    assert written.lost == {}


def test_pictures_without_labels_are_not_pictures_without_objects(tmp_path: Path) -> None:
    yolo_of_labelimg(tmp_path)
    (tmp_path / "b.txt").unlink()
    catalog = read(tmp_path)
    assert dict(zip(map(str, catalog.names), catalog.labelled, strict=True)) == {
        str(tmp_path / "a.png"): True,
        str(tmp_path / "b.png"): False,
        str(tmp_path / "c.png"): True,
    }
    voc_beside_pictures(tmp_path / "voc")
    (tmp_path / "voc" / "b.xml").unlink()
    catalog = read(tmp_path / "voc")
    assert list(objects_of(catalog)) == ["a", "c"]
    assert catalog.skipped == (
        (str(tmp_path / "voc" / "b.png"), "has no annotation, so it is left out"),
    )


def test_flags_and_what_else_is_said_are_kept(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    record = json.loads(coco())
    record["annotations"][0] |= {"iscrowd": 1, "attributes": {"occluded": True}}
    record["images"][0]["license"] = 4
    write(tmp_path / "annotations.json", json.dumps(record))
    catalog = read(tmp_path)
    assert catalog.boxes[0].crowd.tolist() == [True, False]
    assert catalog.boxes[0].beside(0)["attributes"] == {"occluded": True}
    assert catalog.notes[0]["license"] == 4
    assert catalog.numbers == (3, 18)
    voc_beside_pictures(tmp_path / "voc")
    file = tmp_path / "voc" / "a.xml"
    write(
        file,
        file.read_text().replace(
            "<difficult>0</difficult>", "<difficult>1</difficult><pose>Left</pose>", 1
        ),
    )
    catalog = read(tmp_path / "voc")
    assert catalog.boxes[0].difficult.tolist() == [True, False]
    assert catalog.boxes[0].beside(0) == {"pose": "Left"}


def test_the_working_folder_is_read_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coco_in_one_file(tmp_path / "coco")
    yolo_of_labelimg(tmp_path / "yolo")
    voc_beside_pictures(tmp_path / "voc")
    for form in ("coco", "yolo", "voc"):
        monkeypatch.chdir(tmp_path / form)
        catalog = read(Path())
        assert objects_of(catalog) == OBJECTS
        assert not catalog.skipped


def test_numbers_that_are_none_are_told_and_classes_never_share_one(tmp_path: Path) -> None:
    save_pictures(tmp_path / "in")
    record = json.loads(coco())
    for number, category in enumerate(record["categories"], 1):
        category["id"] = number
    one, two, three = record["annotations"]
    one["category_id"], two["category_id"], three["category_id"] = 1, 2, 7
    record["annotations"] += [one | {"id": 8, "category_id": [3]}, one | {"id": 9, "image_id": []}]
    record["images"].append({"id": [7], "file_name": "a.png"})
    write(tmp_path / "in" / "annotations.json", json.dumps(record))
    catalog = read(tmp_path / "in")
    assert len(set(catalog.numbers)) == len(catalog.numbers) == len(catalog.classes)
    assert {fault.kind for fault in catalog.faults} >= {"unreadable", "unnamed"}
    convert(tmp_path / "in", tmp_path / "out", to="coco")
    again = read(tmp_path / "out")
    assert [len(boxes) for boxes in again.boxes] == [len(boxes) for boxes in catalog.boxes]
    assert objects_of(again) == objects_of(catalog)


def test_a_table_with_a_number_for_boxes_is_told(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    write(tmp_path / "t.csv", "path,label,box\na.png,cat,3\n")
    catalog = read(tmp_path / "t.csv")
    assert [len(boxes) for boxes in catalog.boxes] == [0]
    assert "not four numbers" in catalog.faults[0].what


def test_a_damaged_table_of_boxes_is_no_traceback(tmp_path: Path) -> None:
    save_pictures(tmp_path)
    rows = "a.png,cat,5,5,25,30\n" * 40
    write(tmp_path / "t.csv", f'path,label,xmin,ymin,xmax,ymax\n{rows}"{"x" * 200_000}\n')
    with pytest.raises(ConvlensError, match="not readable as CSV"):
        read(tmp_path / "t.csv")
