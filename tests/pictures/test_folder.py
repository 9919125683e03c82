"""Folders as they come: names of splits, links in circles, what systems leave, and one too many."""

from pathlib import Path

import pytest

from convlens.pictures.catalog import Catalog
from convlens.pictures.folder import files_below
from convlens.pictures.read import read_catalog
from convlens.pictures.shards.urls import dataset_name
from convlens.pictures.split_name import split_named
from helpers import save_class


def reasons(catalog: Catalog) -> dict[str, str]:
    return {str(Path(name).relative_to(catalog.root)): why for name, why in catalog.skipped}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set/training_set", "test_set/test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("Train Images", "TEST-IMAGES"),
        ("train ", "testset"),
    ],
)
def test_splits_as_published_data_call_them(tmp_path: Path, train: str, test: str) -> None:
    for place in (train, test):
        save_class(tmp_path / place / "cat", "disc", 2)
        save_class(tmp_path / place / "dog", "disc", 2)
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("cat", "dog")
    assert sorted(map(str, catalog.splits)) == ["test"] * 4 + ["train"] * 4


@pytest.mark.parametrize("name", ["train station", "images", "pretrain", "test tube", "train-val"])
def test_other_names_are_none_of_splits(name: str) -> None:
    assert split_named(name) is None


def test_classes_that_are_called_as_splits_are_remarked_on(tmp_path: Path) -> None:
    for place in ("train", "test"):
        save_class(tmp_path / place, "disc", 2)
    (remark,) = read_catalog(tmp_path).remarks
    assert "'test' and 'train' are called as splits" in remark
    save_class(tmp_path / "car", "disc", 2)  # and then a train is a train
    assert read_catalog(tmp_path).remarks == ()


def test_one_class_that_holds_folders_is_remarked_on(tmp_path: Path) -> None:
    for place in ("all/cat", "all/dog"):
        save_class(tmp_path / place, "disc", 2)
    (remark,) = read_catalog(tmp_path).remarks
    assert f"give {tmp_path / 'all'} if" in remark
    assert read_catalog(tmp_path / "all").remarks == ()


def test_links_in_circles_give_no_class_the_pictures_of_others(tmp_path: Path) -> None:
    for place in ("data/cat", "data/dog", "elsewhere/x"):
        save_class(tmp_path / place, "disc", 2)
    data = tmp_path / "data"
    (data / "cat" / "root").symlink_to(data)
    (data / "cat" / "above").symlink_to(tmp_path)
    (data / "back").symlink_to(data)
    (data / "dog" / "linked").symlink_to(tmp_path / "elsewhere")  # no circle: followed
    (tmp_path / "elsewhere" / "x" / "up").symlink_to(tmp_path / "elsewhere")
    catalog = read_catalog(data)
    assert catalog.counts() == {"cat": 2, "dog": 4}
    told = reasons(catalog)
    assert set(told) == {"back", "cat/above", "cat/root", "dog/linked/x/up"}
    assert set(told.values()) == {"is a link to a folder that it lies in"}


def test_what_windows_leaves_in_every_folder_is_no_picture_to_predict(tmp_path: Path) -> None:
    save_class(tmp_path / "cat", "disc", 1)
    for name in ("Thumbs.db", "desktop.ini", "cat/Thumbs.db", "cat/Desktop.ini", "cat/Icon\r"):
        (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0")
    assert list(files_below(tmp_path)) == [str(tmp_path / "cat" / "000.png")]
    assert read_catalog(tmp_path).skipped == ()


def test_a_run_is_called_as_the_folder_is_that_a_path_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cats" / "tabby").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "cats" / "tabby")
    assert [dataset_name(path) for path in ("..", "../", ".", tmp_path / "cats")] == [
        *("cats", "cats", "tabby", "cats")
    ]
