"""Which column or key names a box's class, and what is said where none does."""

import json
from pathlib import Path

import pytest

from boxed import OBJECTS, coco, objects_of, read, save_pictures, table, write
from convlens import convert, inspect
from convlens.pictures.boxes.boxes import BoxCatalog
from convlens.pictures.boxes.forms.coco import read_numbers


def of_table(folder: Path, columns: str, cells: str) -> BoxCatalog:
    """Every box in a row with these cells, in which FILE and LABEL stand for its own."""
    save_pictures(folder)

    def row(file: str, label: str, *box: float) -> str:
        own = cells.replace("FILE", file).replace("LABEL", label)
        return f"{own},{','.join(f'{edge:g}' for edge in box)}"

    write(folder / "t.csv", f"{columns},x1,y1,x2,y2\n{table(row)}")
    return read(folder)


def labelled() -> dict[str, object]:
    """What is in the pictures that have any object."""
    return {name: boxes for name, boxes in OBJECTS.items() if boxes}


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        *((f"file,{name}", "FILE,LABEL") for name in ("class_id", "category_id", "label_id")),
        *((f"file,{name}", "FILE,LABEL") for name in ("cls", "name", "Class ID", "LabelName")),
        ("file,class_id,name", "FILE,7,LABEL"),
        ("file,label_id,cls", "FILE,7,LABEL"),
        ("file,category_id,category", "FILE,7,LABEL"),
        ("file,name,cls", "FILE,ann,LABEL"),
        ("file,name,label", "FILE,ann,LABEL"),
        ("name,class_id", "FILE,LABEL"),
    ],
)
def test_the_class_is_found_in_the_column_that_names_it(
    columns: str, cells: str, tmp_path: Path
) -> None:
    catalog = of_table(tmp_path, columns, cells)
    assert objects_of(catalog) == labelled()
    assert (catalog.faults, catalog.remarks) == ((), ())


def test_lists_of_objects_may_name_their_classes_so_too(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"])
    for name, told in (("a", {"category_id": 7, "name": "cat"}), ("b", {"class_id": "dog"})):
        objects = [told | {"bbox": [3, 4, 20, 30]}]
        with (tmp_path / "t.jsonl").open("a") as file:
            file.write(json.dumps({"file_name": f"{name}.png", "objects": objects}) + "\n")
    box = (3, 4, 20, 30)
    assert objects_of(read(tmp_path, "xyxy")) == {"a": [("cat", box)], "b": [("dog", box)]}


def test_columns_that_are_not_read_are_told_where_none_names_the_class(tmp_path: Path) -> None:
    catalog = of_table(tmp_path / "kinds", "file,kind,Unnamed: 0,score", "FILE,LABEL,1,0.5")
    assert catalog.classes == ("object",)
    (finding,) = (f for f in inspect(tmp_path / "kinds").findings if f.kind == "labels")
    assert finding.what == (
        f"{tmp_path / 'kinds' / 't.csv'} has no column for the label: rename one of its columns "
        "('kind', 'score') to 'label'; as it is, none is read, and each box is an 'object'"
    )
    assert of_table(tmp_path / "only", "file,width,height", "FILE,60,40").remarks == ()


@pytest.mark.parametrize("column", ["label", "class_id"])
def test_numbers_without_names_are_told_once_for_each_class(column: str, tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"])
    rows = "a.png,7,1,2,20,30\na.png,0,3,4,30,30\nb.png,7,5,5,25,45\nb.png,cat,6,9,25,30\n"
    write(tmp_path / "t.csv", f"file,{column},x1,y1,x2,y2\n{rows}")
    catalog = read(tmp_path)
    assert catalog.classes == ("0", "7", "cat")
    assert [(fault.kind, fault.where, fault.what) for fault in catalog.faults] == [
        ("unnamed", f"{tmp_path / 't.csv'}, line 2", "class 7 has no name"),
        ("unnamed", f"{tmp_path / 't.csv'}, line 3", "class 0 has no name"),
    ]


@pytest.mark.parametrize("name", [{}, {"name": None}, {"name": " "}])
def test_categories_of_coco_without_names_stay_apart(
    name: dict[str, object], tmp_path: Path
) -> None:
    save_pictures(tmp_path / "in")
    record = json.loads(coco())
    record["categories"] = [{"id": 3} | name, {"id": 18} | name]
    file = write(tmp_path / "in" / "annotations.json", json.dumps(record))
    catalog = read(tmp_path / "in")
    assert catalog.counts() == {"class 3": 2, "class 18": 1}
    assert catalog.numbers == (3, 18)
    assert [(fault.kind, fault.where, fault.what) for fault in catalog.faults] == [
        ("unnamed", str(file), "category 3 has no name"),
        ("unnamed", str(file), "category 18 has no name"),
    ]
    assert read_numbers(file).categories == {"class 3": 3, "class 18": 18}
    convert(tmp_path / "in", tmp_path / "out", to="coco")
    assert objects_of(read(tmp_path / "out")) == objects_of(catalog)
