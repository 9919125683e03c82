"""Folders and tables become one table of pictures, labels by name."""

import os
from pathlib import Path

import pytest
from PIL import Image

from convlens.errors import ConvlensError
from convlens.pictures.catalog import read_catalog
from convlens.pictures.decode import decode
from convlens.tasks.classification.labels import classes_of
from helpers import draw, package, save_class


def test_folder_names_are_labels_and_dot_folders_are_passed_over(tmp_path: Path) -> None:
    for name in ("2", "10", ".cache", "cat ☂"):
        save_class(tmp_path / name, "disc", 2)
    (tmp_path / "2" / ".hidden.png").write_bytes(b"")
    save_class(tmp_path / "10" / "deeper" / "still", "disc", 1)
    (tmp_path / "README").write_text("about")
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("2", "10", "cat ☂")
    assert catalog.counts() == {"2": 2, "10": 3, "cat ☂": 2}
    assert catalog.skipped == ((str(tmp_path / "README"), catalog.skipped[0][1]),)
    for name, label in zip(catalog.names, catalog.labels, strict=True):
        assert Path(name).relative_to(tmp_path).parts[0] == label


@pytest.mark.parametrize("name", ["val", "valid", "Validation"])
def test_split_folders(tmp_path: Path, name: str) -> None:
    for label in ("a", "b", "c"):
        save_class(tmp_path / "train" / label, "disc", 3)
    save_class(tmp_path / name / "b", "disc", 2)  # class a is missing here
    save_class(tmp_path / "test" / "c", "disc", 1)
    catalog = read_catalog(tmp_path)
    found = list(zip(catalog.splits, catalog.labels, strict=True))
    assert found.count(("train", "a")) == 3
    assert found.count(("val", "b")) == 2
    assert found.count(("test", "c")) == 1
    assert len(found) == 12


def test_classes_that_are_called_train_and_test(tmp_path: Path) -> None:
    save_class(tmp_path / "train", "disc", 2)
    save_class(tmp_path / "test", "disc", 2)
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("test", "train")
    assert set(catalog.splits) == {None}


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    save_class(tmp_path / "a", "disc", 2)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "around").symlink_to(tmp_path)
    assert read_catalog(tmp_path).counts()["b"] >= 2


def write_pictures(folder: Path, count: int = 4) -> list[str]:
    save_class(folder / "images", "disc", count)
    return [f"images/{n:03}.png" for n in range(count)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(tmp_path: Path, delimiter: str) -> None:
    paths = write_pictures(tmp_path)
    rows = [["Filename", "label", "split", "group"]]
    rows += [[paths[0], "x", "train", "g1"], [paths[1], "y", "valid", ""]]
    rows += [[paths[2], "x", "", "g1"], [paths[3], "", "test", ""]]
    table = tmp_path / "table.csv"
    table.write_text("\ufeff" + "\n".join(delimiter.join(row) for row in rows), "utf-8")
    catalog = read_catalog(table)
    assert catalog.labels == ("x", "y", "x")
    assert catalog.splits == ("train", "val", None)
    assert catalog.groups == ("g1", None, "g1")
    assert catalog.skipped == ((f"{table}, line 5", "has no label"),)
    assert decode(catalog.sources[0].read()).shape == (40, 48, 3)


def test_csv_errors_name_file_line_and_remedy(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("path,what\na.png,cat\n")
    with pytest.raises(ConvlensError, match=r"t\.csv has no column for the label.*'what'"):
        read_catalog(table)
    table.write_text("path,label,split\na.png,cat,train\nb.png,dog,later\n")
    with pytest.raises(ConvlensError, match=r"t\.csv, line 3: the split is 'later'"):
        read_catalog(table)


@pytest.mark.parametrize("nested", [False, True])
def test_parquet_with_bytes(tmp_path: Path, nested: bool) -> None:
    pa = package("pyarrow")
    parquet = package("pyarrow.parquet")
    paths = write_pictures(tmp_path, 6)
    data = [(tmp_path / p).read_bytes() for p in paths]
    cells = [{"bytes": d, "path": None} for d in data] if nested else data
    table = pa.table({"image": cells, "label": ["a", "b"] * 3, "split": ["train"] * 6})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    catalog = read_catalog(tmp_path / "t.parquet")
    assert catalog.labels == ("a", "b") * 3
    for row in (5, 0, 3, 2):  # across row groups, not in order
        assert catalog.sources[row].read() == data[row]
    assert catalog.names[5].endswith("t.parquet#5")


def test_parquet_with_paths_and_whole_numbers_as_labels(tmp_path: Path) -> None:
    pa = package("pyarrow")
    parquet = package("pyarrow.parquet")
    paths = write_pictures(tmp_path, 2)
    parquet.write_table(pa.table({"path": paths, "label": [2, 10]}), tmp_path / "t.parquet")
    catalog = read_catalog(tmp_path / "t.parquet")
    assert catalog.classes == ("2", "10")
    assert decode(catalog.sources[1].read()).shape == (40, 48, 3)


def test_nothing_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConvlensError, match="there is no"):
        read_catalog(tmp_path / "nowhere")
    with pytest.raises(ConvlensError, match="no labelled pictures"):
        read_catalog(tmp_path)
    save_class(tmp_path / "only", "disc", 3)
    with pytest.raises(ConvlensError, match="one class only: 'only' \\(3\\)"):
        classes_of(read_catalog(tmp_path).labels, "it")
    picture = tmp_path / "only" / "000.png"
    with pytest.raises(ConvlensError, match="neither a folder nor a table"):
        read_catalog(picture)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    save_class(tmp_path / "a", "disc", 1)
    os.mkfifo(tmp_path / "a" / "pipe.png")
    catalog = read_catalog(tmp_path)
    place = catalog.names.index(str(tmp_path / "a" / "pipe.png"))
    with pytest.raises(ConvlensError, match="not a regular file"):
        catalog.sources[place].read()


def test_the_kind_is_known_by_content(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Image.fromarray(draw("disc", 0)).save(tmp_path / "a" / "picture.txt", "JPEG")
    assert decode(read_catalog(tmp_path).sources[0].read()).shape == (40, 48, 3)
