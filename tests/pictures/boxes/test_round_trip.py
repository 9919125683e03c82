"""Written in another form and read again, boxes are the same, and what a form lost is counted."""

import json
from pathlib import Path

import numpy as np
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
)
from convlens import convert, shard
from convlens.pictures.boxes.boxes import BoxCatalog
from convlens.pictures.source import content_hash
from helpers import Convlens, assert_clear, package


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """COCO with splits, outlines, a crowd, a group, fractions of pixels, and a class too many."""
    for split, names in (("train", ["a", "b"]), ("val", ["c"])):
        save_pictures(tmp_path / "street" / split, names)
        record = json.loads(coco(names))
        record["categories"].append({"id": 30, "name": "bird", "supercategory": "animal"})
        if names == ["a", "b"]:
            one, two, three = record["annotations"]
            one |= {"iscrowd": 1, "bbox": [0.25, 4.5, 19.123456, 25]}
            two |= {"segmentation": [[30, 10, 60, 10, 60, 40]], "occluded": True}
            three |= {"difficult": 1}
            record["images"][0]["group"] = "street 7"
            record["licenses"] = [{"id": 1, "name": "MIT"}]
        write(tmp_path / "street" / split / "_annotations.coco.json", json.dumps(record))
    return tmp_path / "street"


def hashes(catalog: BoxCatalog) -> list[bytes]:
    return sorted(content_hash(source.read()) for source in catalog.sources)


@pytest.mark.parametrize("to", ["coco", "yolo", "voc"])
def test_a_round_trip_gives_the_same_boxes(to: str, street: Path, tmp_path: Path) -> None:
    before = read(street)
    written = convert(street, tmp_path / to, to=to)
    after = read(tmp_path / to)
    assert after.form == to
    assert objects_of(after) == objects_of(before)
    assert splits_of(after) == splits_of(before) == SPLITS
    assert hashes(after) == hashes(before)
    assert written.boxes == 3
    again = convert(tmp_path / to, tmp_path / "back", to="coco")
    assert objects_of(read(tmp_path / "back")) == objects_of(before)
    assert again.lost == {}


def test_what_a_form_cannot_carry_is_counted_and_named(street: Path, tmp_path: Path) -> None:
    lost = {to: convert(street, tmp_path / to, to=to).lost for to in ("coco", "yolo", "voc")}
    assert lost["coco"] == {}
    assert lost["yolo"] == {
        **{"crowd": 1, "difficult": 1, "groups": 1},
        **{"area": 3, "segmentation": 1, "occluded": 1, "id": 6},  # of pictures and annotations
    }
    assert lost["voc"] == {
        **{"crowd": 1, "groups": 1, "segmentation": 1, "classes without boxes": 1},
    }


def test_coco_keeps_everything(street: Path, tmp_path: Path) -> None:
    convert(street, tmp_path / "coco", to="coco")
    before, after = read(street), read(tmp_path / "coco")
    assert (after.classes, after.numbers) == (("cat", "dog", "bird"), (3, 18, 30))
    assert after.groups == before.groups
    assert after.record["licenses"] == [{"id": 1, "name": "MIT"}]
    assert after.record["categories"][2]["supercategory"] == "animal"
    for one, two in zip(before.boxes, after.boxes, strict=True):
        assert one.extras == two.extras
        assert (one.crowd == two.crowd).all() and (one.difficult == two.difficult).all()


def ids_in(file: Path) -> tuple[list[object], list[tuple[object, object]]]:
    """Of the pictures, and of the annotations with those of their pictures."""
    record = json.loads(file.read_text())
    images = [image["id"] for image in record["images"]]
    return images, [(one["id"], one["image_id"]) for one in record["annotations"]]


def test_coco_keeps_the_ids_of_each_file(tmp_path: Path) -> None:
    """Though another split has them too; so do shards and Pascal VOC on the way."""
    for split in ("train", "val"):
        save_picture(tmp_path / "in" / split / "a.png", SIZES["a"], len(split))
        text = coco(["a"]).replace('"id": 1,', '"id": 900,').replace('"id": 2,', '"id": 41,')
        write(tmp_path / "in" / split / "_annotations.coco.json", text)
    assert convert(tmp_path / "in", tmp_path / "out", to="coco").lost == {}
    for split in ("train", "val"):
        file = tmp_path / "out" / "annotations" / f"instances_{split}.json"
        assert ids_in(file) == ([7], [(900, 7), (41, 7)])
    shard(tmp_path / "in", tmp_path / "shards")
    convert(tmp_path / "in", tmp_path / "voc", to="voc")
    for way in ("shards", "voc"):
        assert convert(tmp_path / way, tmp_path / f"by-{way}", to="coco").lost == {}
        file = tmp_path / f"by-{way}" / "annotations" / "instances_train.json"
        assert ids_in(file) == ([7], [(900, 7), (41, 7)])


def test_ids_that_cannot_be_kept_are_given_anew_and_counted(tmp_path: Path) -> None:
    """Two files without splits have the same ids of pictures, and some of annotations."""
    for name, ids in (("a", (1, "x")), ("b", (1, 5))):
        record = json.loads(coco([name]))
        for annotation, number in zip(record["annotations"], ids, strict=False):
            annotation["id"] = number
        if name == "b":
            record["annotations"].append({"image_id": 7, "category_id": 3, "bbox": [9, 9, 5, 5]})
        save_picture(tmp_path / "in" / f"{name}.png", SIZES[name])
        write(tmp_path / "in" / f"{name}.json", json.dumps(record))
    written = convert(tmp_path / "in", tmp_path / "out", to="coco")
    images, annotations = ids_in(tmp_path / "out" / "annotations" / "instances_default.json")
    assert images == [1, 2]
    assert annotations == [(2, 1), (3, 1), (4, 2), (5, 2)]
    assert written.lost == {"image ids": 2, "annotation ids": 3}
    assert objects_of(read(tmp_path / "out")) == objects_of(read(tmp_path / "in"))


@pytest.mark.parametrize("shape", [[2, 2], [2, 3]])
def test_keypoints_stay_keypoints_where_every_box_has_as_many(
    shape: list[int], tmp_path: Path
) -> None:
    save_pictures(tmp_path / "in" / "images", ["a", "c"])
    for name, points in (("a", ((0.5, 0.25, 2), (0, 0, 0))), ("c", ((0.4, 0.2, 2), (1, 1, 2)))):
        line = " ".join(f"{number:g}" for point in points for number in point[: shape[1]])
        write(tmp_path / "in" / "labels" / f"{name}.txt", f"0 0.5 0.5 0.8 0.8 {line}\n")
    write(tmp_path / "in" / "data.yaml", f"train: images\nkpt_shape: {shape}\nnames: [cat]\n")
    assert convert(tmp_path / "in", tmp_path / "out", to="yolo").lost == {}
    assert "\nkpt_shape: [2, 3]\n" in (tmp_path / "out" / "data.yaml").read_text()
    line = (tmp_path / "out" / "labels" / "train" / "c.txt").read_text()
    assert line == "0 0.5 0.5 0.8 0.8 0.4 0.2 2 1 1 2\n"
    before, after = read(tmp_path / "in"), read(tmp_path / "out")
    assert objects_of(after) == objects_of(before)
    assert [boxes.extras for boxes in after.boxes] == [boxes.extras for boxes in before.boxes]


@pytest.mark.parametrize("other", [{}, {"keypoints": [9, 9, 2]}, {"keypoints": "none"}])
def test_keypoints_that_boxes_do_not_share_are_counted(
    other: dict[str, object], tmp_path: Path
) -> None:
    save_pictures(tmp_path / "in", ["a"])
    record = json.loads(coco(["a"]))
    one, two = record["annotations"]
    one["keypoints"], one["segmentation"] = [5, 6, 2, 7, 8, 1], [[0, 4, 20, 4, 20, 30]]
    two |= other
    write(tmp_path / "in" / "annotations.json", json.dumps(record))
    lost = convert(tmp_path / "in", tmp_path / "out", to="yolo").lost
    assert (lost["keypoints"], lost["segmentation"]) == (1 + len(other), 1)
    assert "kpt_shape" not in (tmp_path / "out" / "data.yaml").read_text()
    assert objects_of(read(tmp_path / "out")) == objects_of(read(tmp_path / "in"))


def test_outlines_stay_outlines_where_every_box_is_around_one(tmp_path: Path) -> None:
    save_pictures(tmp_path / "images", ["c"])
    write(tmp_path / "labels" / "c.txt", "1 0.1 0.2 0.5 0.1 0.3 0.8\n")
    write(tmp_path / "data.yaml", "train: images\nnames: [cat, dog]\n")
    convert(tmp_path, tmp_path / "out", to="yolo")
    assert (tmp_path / "out/labels/train/c.txt").read_text() == "1 0.1 0.2 0.5 0.1 0.3 0.8\n"
    convert(tmp_path / "out", tmp_path / "coco", to="coco")
    convert(tmp_path / "coco", tmp_path / "yolo", to="yolo")
    assert (tmp_path / "yolo/labels/train/c.txt").read_text() == "1 0.1 0.2 0.5 0.1 0.3 0.8\n"


def test_pycocotools_reads_what_is_written(street: Path, tmp_path: Path) -> None:
    oracle = package("pycocotools.coco")
    convert(street, tmp_path / "coco", to="coco")
    file = tmp_path / "coco" / "annotations" / "instances_train.json"
    read_by_oracle = oracle.COCO(str(file))
    catalog = read(file)
    for row, notes in enumerate(catalog.notes):
        theirs = read_by_oracle.loadAnns(read_by_oracle.getAnnIds(notes["id"]))
        corners = [[x, y, x + w, y + h] for x, y, w, h in (one["bbox"] for one in theirs)]
        np.testing.assert_allclose(catalog.boxes[row].xyxy, corners)
        names = [c["name"] for c in read_by_oracle.loadCats([a["category_id"] for a in theirs])]
        assert names == [catalog.classes[label] for label in catalog.boxes[row].labels]


def test_numbers_that_went_through_xml_are_numbers_to_pycocotools(tmp_path: Path) -> None:
    oracle, judge = package("pycocotools.coco"), package("pycocotools.cocoeval")
    save_pictures(tmp_path / "in")
    write(tmp_path / "in" / "annotations.json", coco())
    convert(tmp_path / "in", tmp_path / "voc", to="voc")
    convert(tmp_path / "voc", tmp_path / "coco", to="coco")
    there = oracle.COCO(str(tmp_path / "coco" / "annotations" / "instances_default.json"))
    annotations = there.loadAnns(there.getAnnIds())
    assert [one["area"] for one in annotations] == [520, 900, 800]
    assert sorted(there.imgs) == [7, 8, 9]
    found = there.loadRes([one | {"score": 0.5} for one in annotations])
    evaluation = judge.COCOeval(there, found, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1)


def test_what_is_text_in_xml_stays_so(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["b"])
    beside = "<pose>007</pose><source>2008_1</source><depth>1.50</depth><left>nan</left>"
    write(tmp_path / "b.xml", voc("b").replace("<bndbox>", f"{beside}<area>1.5</area><bndbox>"))
    told = {"pose": "007", "source": "2008_1", "depth": "1.50", "left": "nan", "area": 1.5}
    assert read(tmp_path).boxes[0].beside(0) == told


def test_pictures_of_no_split_lie_beside_those_of_splits(tmp_path: Path) -> None:
    """A program that looks into inner folders finds none of `train` or `test` in `val`."""
    yaml = package("yaml")
    save_pictures(tmp_path / "voc" / "JPEGImages")
    for name in OBJECTS:
        write(tmp_path / "voc" / "Annotations" / f"{name}.xml", voc(name))
    for split, name in (("train", "a"), ("test", "b")):
        write(tmp_path / "voc" / "ImageSets" / "Main" / f"{split}.txt", f"{name}\n")
    written = convert(tmp_path / "voc", tmp_path / "yolo", to="yolo")
    listed = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert [p.name for p in (tmp_path / "yolo" / listed["val"]).rglob("*.png")] == ["c.png"]
    after = read(tmp_path / "yolo")
    assert splits_of(after) == splits_of(read(tmp_path / "voc"))
    assert splits_of(after) == {"a": "train", "b": "test", "c": None}
    assert objects_of(after) == objects_of(read(tmp_path / "voc"))
    assert written.lost == {}


def test_shards_carry_what_a_list_says_that_is_no_json(street: Path, tmp_path: Path) -> None:
    convert(street, tmp_path / "yolo", to="yolo")
    listed = tmp_path / "yolo" / "data.yaml"
    write(listed, f"date: 2024-01-05\n{listed.read_text()}")
    shard(tmp_path / "yolo", tmp_path / "shards")
    assert read(tmp_path / "shards").classes == ("cat", "dog", "bird")


def test_shards_carry_boxes(street: Path, tmp_path: Path, convlens: Convlens) -> None:
    done = convlens("shard", street, "--out", tmp_path / "shards", "--quiet")
    assert "3 pictures" in done.stdout
    before, after = read(street), read(tmp_path / "shards")
    assert hashes(after) == hashes(before)
    assert (after.form, after.classes) == ("shards", before.classes)
    assert sorted(map(len, after.boxes)) == [0, 1, 2]
    back = convert(tmp_path / "shards", tmp_path / "back", to="coco")
    assert objects_of(read(tmp_path / "back")) == objects_of(before)
    assert back.lost == {}


def test_pictures_of_one_name_get_names_of_their_own(tmp_path: Path) -> None:
    for folder in ("left", "right"):
        save_pictures(tmp_path / "in" / folder, ["a"])
    rows = "left/a.png,cat,1,2,20,30\nright/a.png,dog,3,4,20,30\n"
    write(tmp_path / "in" / "boxes.csv", f"file,label,x1,y1,x2,y2\n{rows}")
    convert(tmp_path / "in", tmp_path / "out", to="yolo")
    assert objects_of(read(tmp_path / "out")) == {
        "a": [("cat", (1, 2, 20, 30))],
        "right-a": [("dog", (3, 4, 20, 30))],
    }


def test_the_command_tells_what_it_wrote_and_refuses_what_it_cannot(
    street: Path, tmp_path: Path, convlens: Convlens
) -> None:
    done = convlens("convert", street, "--to", "voc", "--out", tmp_path / "voc", "--quiet")
    assert done.stdout.startswith("3 boxes in 3 pictures")
    assert "voc cannot carry: " in done.stdout and "segmentation (1)" in done.stdout
    told = json.loads(
        convlens("convert", street, "--to", "yolo", "--out", tmp_path / "y", "--json").stdout
    )
    assert told["boxes"] == sum(map(len, OBJECTS.values()))
    again = convlens("convert", street, "--to", "voc", "--out", tmp_path / "voc")
    assert_clear(again, 2, "it exists and is not empty")
    empty = ("--to", "yolo", "--out", tmp_path / "x")
    none = convlens("convert", tmp_path / "voc" / "JPEGImages", *empty)
    assert_clear(none, 1, "has no boxes: COCO's JSON")
