"""Which picture a label means: its own, wherever that is, and never another's."""

import json
from pathlib import Path

import pytest

from boxed import (
    OBJECTS,
    SIZES,
    SPLITS,
    coco,
    objects_of,
    read,
    save_picture,
    save_pictures,
    splits_of,
    voc,
    write,
    yolo,
)
from convlens.errors import ConvlensError


def test_no_picture_gets_the_labels_of_another_that_has_the_same_name(tmp_path: Path) -> None:
    """Nothing is said of the one in `train`, which by YOLO's convention shows nothing."""
    for split in ("train", "val"):
        save_picture(tmp_path / "images" / split / "a.png", SIZES["a"], len(split))
    write(tmp_path / "labels" / "val" / "a.txt", yolo("a"))
    catalog = read(tmp_path)
    assert dict(zip(catalog.splits, map(len, catalog.boxes), strict=True)) == {"train": 0, "val": 2}
    assert dict(zip(catalog.splits, catalog.labelled, strict=True)) == {"train": False, "val": True}


def lonely(folder: Path) -> Path:
    """A picture in `test` that nobody labelled, and one of `train` beside which `a` was deleted."""
    save_picture(folder / "images" / "train" / "b.png", SIZES["b"])
    save_picture(folder / "images" / "test" / "a.png", SIZES["a"])
    write(folder / "classes.txt", "cat\ndog\n")
    return folder


def test_labels_go_to_no_picture_of_another_split(tmp_path: Path) -> None:
    """Though it is the only one of that name, where labels lie in folders as pictures do."""
    folder = lonely(tmp_path / "yolo")
    for name in ("a", "b"):
        write(folder / "labels" / "train" / f"{name}.txt", yolo(name))
    catalog = read(folder)
    assert objects_of(catalog) == {"a": [], "b": OBJECTS["b"]}
    gone = str(folder / "labels" / "train" / "a.txt")
    assert catalog.skipped == ((gone, "is of no picture that is there"),)

    folder = lonely(tmp_path / "voc")
    for name in ("a", "b"):
        write(folder / "Annotations" / "train" / f"{name}.xml", voc(name))
    catalog = read(folder)
    assert objects_of(catalog) == {"b": OBJECTS["b"]}
    gone = str(folder / "Annotations" / "train" / "a.xml")
    assert (gone, "is of no picture that is there") in catalog.skipped


def test_labels_find_pictures_where_only_folders_are_called_otherwise(tmp_path: Path) -> None:
    """No picture lies in a folder of their split, or they name the folder themselves."""
    save_picture(tmp_path / "yolo" / "images" / "test" / "a.png", SIZES["a"])
    write(tmp_path / "yolo" / "labels" / "train" / "a.txt", yolo("a"))
    write(tmp_path / "yolo" / "classes.txt", "cat\ndog\n")
    assert objects_of(read(tmp_path / "yolo")) == {"a": OBJECTS["a"]}

    folder = lonely(tmp_path / "drawn")
    for split, name in (("test", "a"), ("train", "b")):
        write(folder / "labels" / split / f"{name}.txt", yolo(name))
    write(folder / "train.txt", "/home/me/test/a.png\n")
    write(folder / "val.txt", "/home/me/train/b.png\n")
    write(folder / "data.yaml", "train: train.txt\nval: val.txt\nnames: [cat, dog]\n")
    catalog = read(folder)
    assert splits_of(catalog) == {"a": "train", "b": "val"}
    assert objects_of(catalog) == {name: OBJECTS[name] for name in ("a", "b")}


def test_what_is_not_there_takes_no_other_pictures_place(tmp_path: Path) -> None:
    """In COCO's JSON, in a table, and in Pascal VOC's files, whichever comes first."""
    record = json.loads(coco(["a", "b"]))
    for image, name in zip(record["images"], ("gone/a.png", "here/a.png"), strict=True):
        image["file_name"] = name
    save_picture(tmp_path / "coco" / "here" / "a.png", SIZES["b"])
    write(tmp_path / "coco" / "annotations.json", json.dumps(record))
    catalog = read(tmp_path / "coco")
    assert objects_of(catalog) == {"a": OBJECTS["b"]}
    assert [reason for name, reason in catalog.skipped if "gone" in name] == ["is not there"]

    save_picture(tmp_path / "table" / "here" / "a.png", SIZES["b"])
    rows = ["path,label,xmin,ymin,xmax,ymax", "gone/a.png,dog,1,1,9,9", "here/a.png,cat,5,5,25,45"]
    write(tmp_path / "table" / "boxes.csv", "\n".join(rows))
    catalog = read(tmp_path / "table")
    assert objects_of(catalog) == {"a": OBJECTS["b"]}

    save_picture(tmp_path / "voc" / "Annotations" / "there" / "a.png", SIZES["b"])
    write(tmp_path / "voc" / "Annotations" / "gone" / "a.xml", voc("a"))
    write(tmp_path / "voc" / "Annotations" / "there" / "a.xml", voc("b"))
    catalog = read(tmp_path / "voc")
    assert objects_of(catalog) == {"a": OBJECTS["b"]}


def test_pictures_may_be_links_to_elsewhere(tmp_path: Path) -> None:
    save_pictures(tmp_path / "pool")
    for name, split in SPLITS.items():
        folder = tmp_path / "street" / "images" / split
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.png").symlink_to(tmp_path / "pool" / f"{name}.png")
        write(tmp_path / "street" / "labels" / split / f"{name}.txt", yolo(name))
    write(
        tmp_path / "street" / "data.yaml",
        "train: images/train\nval: images/val\nnames: [cat, dog]\n",
    )
    catalog = read(tmp_path / "street")
    assert splits_of(catalog) == SPLITS
    assert not catalog.skipped


def test_files_of_several_splits_take_no_pictures_from_each_other(tmp_path: Path) -> None:
    """One file names what is not there, the other a picture of the same name that is."""
    for split in ("train", "val"):
        write(tmp_path / "annotations" / f"instances_{split}2017.json", coco(["a"]))
    save_pictures(tmp_path / "val2017", ["a"])
    catalog = read(tmp_path)
    assert catalog.splits == ("val",)
    assert objects_of(catalog) == {"a": OBJECTS["a"]}
    save_picture(tmp_path / "table" / "here" / "a.png", SIZES["b"])
    head = "path,label,xmin,ymin,xmax,ymax\n"
    write(tmp_path / "table" / "train.csv", f"{head}gone/a.png,dog,1,1,9,9\n")
    write(tmp_path / "table" / "val.csv", f"{head}here/a.png,cat,5,5,25,45\n")
    catalog = read(tmp_path / "table")
    assert objects_of(catalog) == {"a": OBJECTS["b"]}
    assert catalog.splits == ("val",)


def test_endings_in_capitals_keep_their_labels_too(tmp_path: Path) -> None:
    (tmp_path / "B" / "JPEGImages").mkdir(parents=True)
    save_pictures(tmp_path, ["b"])
    (tmp_path / "b.png").rename(tmp_path / "B" / "JPEGImages" / "1.PNG")
    write(tmp_path / "Annotations" / "1.xml", voc("a"))
    write(tmp_path / "Annotations" / "B" / "Annotations" / "1.xml", voc("b"))
    (tmp_path / "Annotations" / "B" / "JPEGImages").mkdir()
    (tmp_path / "B" / "JPEGImages" / "1.PNG").rename(
        tmp_path / "Annotations" / "B" / "JPEGImages" / "1.PNG"
    )
    catalog = read(tmp_path)
    assert objects_of(catalog) == {"1": OBJECTS["b"]}


def test_two_tables_may_tell_of_one_picture_by_its_name_alone(tmp_path: Path) -> None:
    save_picture(tmp_path / "images" / "a.png", SIZES["a"])
    head = "path,label,xmin,ymin,xmax,ymax\n"
    write(tmp_path / "cats.csv", f"{head}a.png,cat,0,4,20,30\n")
    write(tmp_path / "dogs.csv", f"{head}a.png,dog,30,10,60,40\n")
    assert objects_of(read(tmp_path)) == {"a": OBJECTS["a"]}


def test_two_files_of_coco_that_name_a_picture_inexactly_are_asked_back(tmp_path: Path) -> None:
    save_picture(tmp_path / "pics" / "a.png", SIZES["a"])
    for name in ("result.json", "result-old.json"):
        write(tmp_path / name, coco(["a"], folder="images/3/"))
    with pytest.raises(ConvlensError, match="both say what"):
        read(tmp_path)


def test_pictures_are_found_wherever_they_lie_where_splits_were_drawn_anew(tmp_path: Path) -> None:
    """By COCO's JSON and by tables, which do not lie in folders as the pictures do."""
    for form in ("coco", "table"):
        for split, name in (("train", "a"), ("val", "b")):
            save_picture(tmp_path / form / split / f"{name}.png", SIZES[name])
    write(tmp_path / "coco" / "annotations" / "train.json", coco(["b"]))
    write(tmp_path / "coco" / "annotations" / "val.json", coco(["a"]))
    rows = ["path,split,label,xmin,ymin,xmax,ymax", "a.png,val,dog,1,1,9,9"]
    write(tmp_path / "table" / "boxes.csv", "\n".join([*rows, "b.png,train,cat,5,5,25,45"]))
    for form in ("coco", "table"):
        catalog = read(tmp_path / form)
        assert splits_of(catalog) == {"a": "val", "b": "train"}
        assert not catalog.skipped
