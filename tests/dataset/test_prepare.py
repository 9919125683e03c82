"""What is learnt follows from the training pictures, and what is left out is said."""

import csv
import json
from pathlib import Path

import pytest

from convlens.dataset.notes import notes_about
from convlens.dataset.prepare import Dataset, prepare
from convlens.errors import ConvlensError
from convlens.inspection.inspect import inspect
from convlens.options import DataOptions
from convlens.pictures.splits import write_manifest
from helpers import save_class, tar_of


def prepared(folder: Path) -> Dataset:
    return prepare(folder, DataOptions(size=16), progress=lambda *_: None)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_class_without_training_pictures_is_left_out_and_said(tmp_path: Path, split: str) -> None:
    for part, count, first in (("train", 6, 0), ("val", 3, 10), ("test", 3, 20)):
        for kind in ("disc", "cross"):
            save_class(tmp_path / part / kind, kind, count, first)
    save_class(tmp_path / split / "discs", "disc", 4, 50)
    dataset = prepared(tmp_path)
    assert dataset.classes == ("cross", "disc")
    assert dataset.examples(split).labels.max() == 1
    assert len(dataset.subset(split)) == 6
    assert set(dataset.for_training().subset("train").labels) == {"cross", "disc"}
    (warning,) = [note for note in notes_about(dataset, balanced=False) if note.warn]
    assert "'discs' (is it 'disc'?) has no training picture" in warning.what
    assert "its pictures (4) are left out" in warning.done
    findings = inspect(tmp_path).findings
    finding = next(f for f in findings if f.kind == "no_training_pictures")
    assert "'discs' (4)" in finding.what
    assert not any("'discs'" in f.what for f in findings if f is not finding)


def test_a_class_whose_files_are_no_pictures_is_named(tmp_path: Path) -> None:
    for kind in ("disc", "cross"):
        save_class(tmp_path / kind, kind, 12)
    (tmp_path / "ring").mkdir()
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / "ring" / name).write_text("not a picture")
    (tmp_path / "square").mkdir()
    dataset = prepared(tmp_path)
    assert dataset.skipped[0] == ("class 'ring'", "none of its 2 files is a picture")
    (warning,) = [note for note in notes_about(dataset, balanced=False) if note.warn]
    assert "class 'ring': none of its 2 files is a picture" in warning.what
    assert f"{tmp_path / 'square'}: is empty, so it is no class" in warning.what
    findings = [finding.what for finding in inspect(tmp_path).findings]
    assert "1 × none of its 2 files is a picture: class 'ring'" in findings
    assert f"1 × is empty, so it is no class: {tmp_path / 'square'}" in findings


def test_where_too_few_classes_are_left_it_is_said_what_was_passed_over(tmp_path: Path) -> None:
    save_class(tmp_path / "disc", "disc", 6)
    (tmp_path / "ring").mkdir()
    with pytest.raises(ConvlensError, match=r"one class only: 'disc'(.|\n)*ring: is empty"):
        prepared(tmp_path)
    (tmp_path / "ring" / "1.jpg").write_text("not a picture")
    with pytest.raises(ConvlensError, match=r"class 'ring': none of its 1 files is a picture"):
        prepared(tmp_path)


def test_what_makes_no_groups_is_refused_at_once(tmp_path: Path) -> None:
    for kind in ("disc", "cross"):
        save_class(tmp_path / kind, kind, 6)
    for pattern, says in (("patient-\\d+", "finds nothing in any name"), ("0", "one group, '0'")):
        options = DataOptions(size=16, group=pattern)
        with pytest.raises(ConvlensError, match=says):
            prepare(tmp_path, options, progress=lambda *_: pytest.fail("it began"))
    findings = {f.kind: f for f in inspect(tmp_path, group="0").findings}
    assert findings["one_group"].what == "all pictures are of one group, '0'"
    not_held_out = DataOptions(size=16, group="0", test_fraction=0, val_fraction=0)
    assert prepare(tmp_path, not_held_out, progress=lambda *_: None).split.counts() == {"train": 12}


@pytest.mark.parametrize("form", ["shard", "table"])
def test_half_a_character_costs_no_manifest(tmp_path: Path, form: str) -> None:
    """JSON can write half of a pair of surrogates, and no file can hold it."""
    names = [f"{kind}/{n:03}.png" for kind in ("disc", "cross") for n in range(6)]
    for kind in ("disc", "cross"):
        save_class(tmp_path / kind, kind, 6)
    rows = [{"path": n, "label": f"{n[:4]}\ud83d", "group": f"{n[-5:]}\ude00"} for n in names]
    table = tmp_path / "table.jsonl"
    if form == "table":
        table.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        table = tmp_path / "some.tar"
        members = [(f"{n}.json", json.dumps(row).encode()) for n, row in enumerate(rows)]
        pictures = [(f"{n}.png", (tmp_path / name).read_bytes()) for n, name in enumerate(names)]
        tar_of(table, sorted(members + pictures))
    dataset = prepared(table)
    assert dataset.classes == ("cros?", "disc?")
    assert dataset.catalog.groups[0] == "0.png?"
    manifest = tmp_path / "manifest.csv"
    write_manifest(manifest, dataset.catalog, store=dataset.store, split=dataset.split)
    written = csv.DictReader(manifest.read_text("utf-8").splitlines())
    assert [row["label"] for row in written] == list(dataset.catalog.labels)


def test_few_and_unequal_pictures_are_said_before_training(tmp_path: Path) -> None:
    for kind, count in (("disc", 24), ("cross", 4)):
        save_class(tmp_path / kind, kind, count)
    few, unequal = (note for note in notes_about(prepared(tmp_path), balanced=True) if note.warn)
    assert few.what == "1 of 2 classes have fewer than 10 pictures: cross (4)"
    assert unequal.what == "classes are unequal: 24 pictures of disc, 4 of cross"
    assert unequal.done == "every class counts alike"


def test_what_is_left_of_one_class_names_the_others(tmp_path: Path) -> None:
    save_class(tmp_path / "train" / "disc", "disc", 4)
    save_class(tmp_path / "test" / "cross", "cross", 4)
    with pytest.raises(ConvlensError, match="at most, 'disc', and of 'cross' there is none"):
        prepared(tmp_path)


def test_one_class_that_holds_the_others_is_said_in_the_error(tmp_path: Path) -> None:
    for kind in ("disc", "cross"):
        save_class(tmp_path / "all" / kind, kind, 2)
    with pytest.raises(ConvlensError, match=f"one class only.*\n.*give {tmp_path / 'all'} if each"):
        prepared(tmp_path)
