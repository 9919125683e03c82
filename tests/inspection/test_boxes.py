"""What `inspect` says of pictures with boxes, in the terminal, as JSON and as a page."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boxed import SIZES, read, save_picture, save_pictures, write, yolo
from convlens import inspect
from convlens.drawing.boxes import COLOURS, DrawnBox, with_boxes
from convlens.errors import UsageError
from convlens.pictures.duplicates.near_duplicates import near_duplicate_clusters
from convlens.pictures.splits import make_split
from convlens.pictures.store import open_store
from helpers import Convlens, assert_clear, draw


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """YOLO's folder with a fault of most kinds."""
    folder = tmp_path / "street"
    save_pictures(folder / "images")
    for name in SIZES:
        write(folder / "labels" / f"{name}.txt", yolo(name))
    with (folder / "labels" / "b.txt").open("a") as file:
        file.write(
            "1 1.5 0.5 0.2 0.2\n1 0.5 0.5 0 0.2\n1 0.9 0.5 0.4 0.2\n0 12 30 4 4\n5 .2 .2 .1 .1\n"
        )
        file.write("1 0.9 0.5 0.4 0.2\n1 0.5 0.5 1 1\n1 0.1 0.1 0.01 0.01\n1 <b> 0.1 0.1 0.1\n")
    save_picture(folder / "images" / "alone.png", (30, 30), 7)
    (folder / "images" / "broken.png").write_bytes(b"\x89PNG\r\n")
    write(folder / "labels" / "broken.txt", "0 .5 .5 .1 .1\n")
    write(folder / "data.yaml", "train: images\nnames: [cat, dog, bird]\n")
    return folder


def test_every_kind_of_fault_is_found_with_file_and_line(street: Path) -> None:
    inspection = inspect(street)
    kinds = {finding.kind: finding for finding in inspection.findings}
    line = f"{street / 'labels' / 'b.txt'}, line "
    for kind, number in {
        **{"outside": 2, "empty": 3, "beyond": 4, "absolute": 5, "unnamed": 6, "doubled": 7},
        **{"whole": 8, "speck": 9, "unreadable": 10},
    }.items():
        assert kinds[kind].pictures[0][0].startswith(f"{line}{number}: "), kind
    assert kinds["unlabelled"].pictures == ((str(street / "images" / "alone.png"),),)
    assert kinds["no_objects"].pictures == ((str(street / "images" / "c.png"),),)
    assert "'bird' (0)" in kinds["no_boxes"].what
    assert "broken.png" in kinds["skipped"].what
    assert (inspection.pictures, inspection.boxes, inspection.form) == (4, 7, "yolo")
    cat, dog, unnamed = inspection.classes
    assert [(row.label, row.boxes, row.pictures) for row in (cat, dog, unnamed)] == [
        ("cat", 2, 2),
        ("dog", 4, 2),
        ("class 5", 1, 1),
    ]
    assert (cat.smallest, cat.largest) == (round((20 * 26) ** 0.5), round((20 * 40) ** 0.5))


def test_small_objects_are_told_for_the_size_of_training(tmp_path: Path) -> None:
    save_picture(tmp_path / "large.png", (2000, 1000))
    write(tmp_path / "large.txt", "0 0.5 0.5 0.01 0.02\n1 0.2 0.2 0.1 0.1\n")
    write(tmp_path / "classes.txt", "cat\ndog\n")
    (found,) = [f for f in inspect(tmp_path).findings if f.kind == "small_objects"]
    assert found.what.startswith("1 objects (50%) are smaller than 8×8 pixels")
    assert not [f for f in inspect(tmp_path, 1000).findings if f.kind == "small_objects"]


def test_the_page_shows_pictures_with_their_boxes(street: Path, tmp_path: Path) -> None:
    inspect(street, report=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert len(re.findall(r'<img src="data:image/jpeg;base64', page)) > 10
    assert "a.png: 2 objects" in page
    assert "&lt;b&gt;" in page and "<b>" not in page
    assert "http" not in page.replace("http-equiv", "")
    for name, colour in zip(("cat", "dog"), COLOURS, strict=False):
        assert f'background: rgb({" ".join(map(str, colour))})">{name}</mark>' in page


def test_classes_have_a_page_too(shapes: Path, tmp_path: Path) -> None:
    inspect(shapes, report=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "160 pictures of 2 classes" in page
    assert "000.png: cross" in page


def test_boxes_are_drawn_where_they_are() -> None:
    pixels = np.zeros((50, 100, 3), np.uint8)
    drawn = with_boxes(pixels, [DrawnBox((20, 10, 60, 40), "", COLOURS[0])], side=200)
    assert drawn.shape == (100, 200, 3)
    box = Image.fromarray(drawn).getbbox()
    assert box is not None
    np.testing.assert_allclose(box, (40, 20, 121, 81))
    assert with_boxes(pixels, [], side=20).shape == (10, 20, 3)


def test_the_command_names_faults_and_refuses_what_is_for_classes(
    street: Path, convlens: Convlens
) -> None:
    done = convlens("inspect", street, "--quiet")
    assert done.stdout.startswith("4 pictures with 7 boxes (yolo) of 3 classes")
    assert "b.txt, line 3: it has no area" in done.stdout
    assert_clear(convlens("inspect", street, "--more"), 2, "is for pictures of one class each")
    told = json.loads(convlens("inspect", street, "--json", "--quiet").stdout)
    assert told["boxes"] == 7


def test_splits_keep_copies_and_groups_on_one_side_and_classes_in_proportion(
    tmp_path: Path,
) -> None:
    rows = []
    for number in range(80):
        pixels = draw("disc" if number % 2 else "cross", number // 2 if number < 20 else number)
        Image.fromarray(pixels).save(tmp_path / f"{number:02}.png")
        label = "rare" if number % 10 == 9 else "common"
        boxes = 1 if label == "rare" else 1 + number % 4
        group = f"street {number // 2}" if number >= 60 else ""
        rows += [
            f"{number:02}.png,{label},{1 + 9 * k},2,{8 + 9 * k},20,{group}" for k in range(boxes)
        ]
    write(tmp_path / "boxes.csv", "\n".join(["path,label,x1,y1,x2,y2,group", *rows]))
    catalog = read(tmp_path)
    store = open_store(catalog, 32, progress=lambda *_: None)
    near = near_duplicate_clusters(store, lambda *_: None)
    split = make_split(catalog, store, near=near, seed=1, test_fraction=0.25, val_fraction=0.0)
    for number in range(60, 80, 2):
        assert split.assigned[number] == split.assigned[number + 1]
    contents = store.identities()
    for one in range(80):
        for other in range(one):
            if contents[one] == contents[other]:
                assert split.assigned[one] == split.assigned[other]
    for label, total in catalog.counts().items():
        index = catalog.classes.index(label)
        of_class = [int((boxes.labels == index).sum()) for boxes in catalog.boxes]
        held_out = sum(
            n for n, name in zip(of_class, split.assigned, strict=True) if name == "test"
        )
        assert 0.15 <= held_out / total <= 0.4, label
    assert 15 <= split.counts()["test"] <= 25


@pytest.mark.parametrize("where", ["nowhere/page.html", "."])
def test_a_page_that_cannot_be_written_is_told_before_anything_is_read(
    where: str, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convlens.inspection.inspect.read_pictures", pytest.fail)
    with pytest.raises(UsageError, match=r"there is no folder|it is a folder"):
        inspect(street, report=where)
