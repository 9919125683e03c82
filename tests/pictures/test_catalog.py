"""Folders and tables become one table of pictures, labels by name."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from convlens.detector.inputs import find_sources
from convlens.errors import ConvlensError, PictureError, UsageError
from convlens.pictures.catalog import Catalog
from convlens.pictures.decode import decode
from convlens.pictures.read import read_catalog
from convlens.tasks.classification.labels import classes_of
from helpers import draw, save_class, tar_of


def test_folder_names_are_labels_and_dot_names_are_passed_over(tmp_path: Path) -> None:
    for name in ("2", "10", ".cache", "cat ☂"):
        save_class(tmp_path / name, "disc", 2)
    for name in (".hidden.png", ".DS_Store", "._000.png"):
        (tmp_path / "2" / name).write_bytes(b"")
    save_class(tmp_path / "10" / "deeper" / "still", "disc", 1)
    (tmp_path / "README").write_text("about")
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("2", "10", "cat ☂")
    assert catalog.counts() == {"2": 2, "10": 3, "cat ☂": 2}
    assert set(reasons(catalog, tmp_path)) == {".cache", "2/.hidden.png", "README"}
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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
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


def reasons(catalog: Catalog, root: Path) -> dict[str, str]:
    return {str(Path(name).relative_to(root)): reason for name, reason in catalog.skipped}


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", ".Trash-1000", "lost+found", "__MACOSX"])
def test_folders_that_systems_make_are_passed_over_and_named(tmp_path: Path, name: str) -> None:
    for place in ("cat", "dog", name, f"cat/{name}", f"dog/deeper/{name}/x.jpg"):
        save_class(tmp_path / place, "disc", 2)
    catalog = read_catalog(tmp_path)
    assert catalog.counts() == {"cat": 2, "dog": 2}
    assert set(reasons(catalog, tmp_path)) == {name, f"cat/{name}", f"dog/deeper/{name}"}


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of folders that may not be listed, even by root."""
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "private":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return "private"


def test_a_folder_that_may_not_be_listed_is_skipped(tmp_path: Path, unlisted: str) -> None:
    for place in ("cat", "dog", f"dog/{unlisted}", unlisted):
        save_class(tmp_path / place, "disc", 2)
    catalog = read_catalog(tmp_path)
    assert catalog.counts() == {"cat": 2, "dog": 2}
    reason = "cannot be listed: Permission denied"
    assert reasons(catalog, tmp_path) == {unlisted: reason, f"dog/{unlisted}": reason}


@pytest.mark.parametrize("splits", [("test",), ("test", "val")])
def test_held_out_pictures_may_come_without_those_to_train_on(
    tmp_path: Path, splits: tuple[str, ...]
) -> None:
    for place in splits:
        save_class(tmp_path / place / "cat", "disc", 2)
        save_class(tmp_path / place / "dog", "disc", 2)
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("cat", "dog")
    assert set(catalog.splits) == set(splits)


def test_what_lies_beside_train_and_val_is_named_and_no_class(tmp_path: Path) -> None:
    for place in ("train/cat", "train/dog", "val/cat", "val/dog", "results", "__MACOSX/train"):
        save_class(tmp_path / place, "disc", 2)
    save_class(tmp_path / "test", "disc", 3)
    (tmp_path / "valid").mkdir()
    for name in ("README", ".notes", ".DS_Store"):
        (tmp_path / name).write_text("about")
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("cat", "dog")
    assert sorted(map(str, catalog.splits)) == ["train"] * 4 + ["val"] * 4
    told = reasons(catalog, tmp_path)
    assert set(told) == {"results", "test", "valid", "README", ".notes", "__MACOSX"}
    assert len(told) == len(catalog.skipped)
    assert "no labels" in told["test"]
    assert "empty" in told["valid"]


@pytest.mark.parametrize("deeper", ["train/train", "val/val", "data/train", "data/data/train"])
def test_one_nesting_too_many(tmp_path: Path, deeper: str) -> None:
    save_class(tmp_path / deeper / "cat", "disc", 2)
    save_class(tmp_path / deeper / "dog", "disc", 2)
    if deeper == "val/val":
        save_class(tmp_path / "train" / "cat", "disc", 2)
        save_class(tmp_path / "train" / "dog", "disc", 2)
    for name in ("README", ".notes"):
        (tmp_path / deeper).with_name(name).write_text("about")
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("cat", "dog")
    assert Path(deeper).name in catalog.splits
    told = [Path(name).name for name, _ in catalog.skipped]
    assert sorted(told) == [".notes", "README"]


def test_a_run_is_no_class_and_its_pictures_none_to_predict(tmp_path: Path) -> None:
    for place in ("cat", "dog", "runs/pictures", "runs/pictures/checkpoints", "runs/other"):
        save_class(tmp_path / place, "disc", 2)
    for name in ("pictures/run.json", "pictures/manifest.csv", "other/.lock"):
        (tmp_path / "runs" / name).touch()
    catalog = read_catalog(tmp_path)
    assert catalog.classes == ("cat", "dog")
    assert set(reasons(catalog, tmp_path)) == {"runs/pictures", "runs/other"}
    assert len(list(find_sources(tmp_path))) == 4


def test_a_class_without_pictures_is_named(tmp_path: Path) -> None:
    for place in ("cat", "dog"):
        save_class(tmp_path / place, "disc", 2)
    (tmp_path / "bird" / "deeper").mkdir(parents=True)
    catalog = read_catalog(tmp_path)
    assert reasons(catalog, tmp_path) == {"bird": "is empty, so it is no class"}


def test_loose_pictures_beside_shards_are_predicted_too(tmp_path: Path) -> None:
    save_class(tmp_path, "disc", 3)
    data = (tmp_path / "000.png").read_bytes()
    (tmp_path / ".hidden.png").write_bytes(data)
    tar_of(tmp_path / "more.tar", [("cat/1.png", data), ("dog/2.png", data)])
    names = [Path(source.name).name for source in find_sources(tmp_path)]
    assert names == ["000.png", "001.png", "002.png", "1.png", "2.png"]
    catalog = read_catalog(tmp_path)
    assert catalog.labels == ("cat", "dog")
    beside = {"000.png", "001.png", "002.png", ".hidden.png"}
    assert set(reasons(catalog, tmp_path)) == beside


def test_folders_of_systems_in_shards_and_patterns_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = (
        "cat/1.png",
        "cat/@eaDir/1.png",
        "__MACOSX/cat/._1.png",
        "cat/.cache/1.png",
        "cat/._1.png",
        "./dog/2.png",
    )
    path = tar_of(tmp_path / "s.tar", [(name, b"x") for name in members])
    catalog = read_catalog(path)
    assert catalog.labels == ("cat", "dog")
    assert [name.split("#")[1] for name, _ in catalog.skipped] == [members[1], members[3]]
    passed_over: list[str] = []
    names = [s.name for s in find_sources(path, passed_over=lambda n, _: passed_over.append(n))]
    assert len(names) == len(passed_over) == 2
    monkeypatch.chdir(tmp_path)
    for place in ("p/a", "p/@eaDir"):
        save_class(tmp_path / place, "disc", 1)
    found = find_sources("p/*/*.png", passed_over=lambda n, _: passed_over.append(n))
    assert [source.name for source in found] == ["p/a/000.png"]
    assert passed_over[2:] == ["p/@eaDir/000.png"]


def test_a_name_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("~x.jpg", "~", "~root", "a{1..2}.jpg", "a[1].jpg", "$HOME.jpg", "http:x.jpg", "a#part")
    for label in ("~cat", "[bold]"):
        (tmp_path / label).mkdir()
        for name in names:
            with (tmp_path / label / name).open("wb") as file:
                Image.fromarray(draw("disc", 1)).save(file, "PNG")
    table = tmp_path / "table.csv"
    table.write_text("path,label\n" + "".join(f"~cat/{name},~\n" for name in names))
    for path in (tmp_path, table):
        sources = read_catalog(path).sources
        assert [decode(source.read()).shape for source in sources] == [(40, 48, 3)] * len(sources)
    monkeypatch.chdir(tmp_path / "~cat")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in names:
        (source,) = find_sources(name)
        assert source.name == name
        assert decode(source.read()).shape == (40, 48, 3)
    monkeypatch.chdir(tmp_path)
    assert read_catalog("~/table.csv").labels == ("~",) * len(names)


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "a\0b.jpg"])
def test_a_name_that_no_file_can_have_is_a_clear_error(name: str) -> None:
    (source,) = find_sources(name)
    with pytest.raises(PictureError):
        source.read()
    with pytest.raises(ConvlensError, match="there is no"):
        read_catalog(name)


def test_groups_are_the_same_wherever_somebody_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of alternatives the one that took part counts."""
    pictures = tmp_path / "user7" / "pictures"
    for number, name in enumerate(("patient-1", "subj2", "other")):
        save_class(pictures / "cat" / name, "disc", 1)
        save_class(pictures / "dog" / name, "cross", number + 1)
    monkeypatch.chdir(pictures.parent)
    here = read_catalog("pictures").grouped(r"patient-(\d+)|subj(\d+)")
    away = read_catalog(pictures).grouped(r"patient-(\d+)|subj(\d+)")
    assert here.groups == away.groups
    assert set(here.groups) == {"1", "2", None}
    with pytest.raises(UsageError, match="finds nothing in any name, as pictures/cat/"):
        read_catalog(pictures).grouped("user7")
