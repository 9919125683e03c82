"""`convlens predict`: lines, JSON and CSV, bad files, odd names, and isolation."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from convlens.cli import isolate, main
from helpers import Convlens, assert_clear, draw, save_class, tar_of


def test_predictions_are_those_of_the_run(convlens: Convlens, run: Path) -> None:
    with (run / "predictions.csv").open() as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    done = convlens("predict", run, "-", "--csv", stdin="\n".join(rows))
    for row in csv.DictReader(done.stdout.splitlines()):
        wanted = rows[row["name"]]
        assert row["predicted"] == wanted["predicted"]
        assert row["p:disc"] == wanted["p:disc"]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    folder = tmp_path / "some pictures"
    save_class(folder / "deep", "disc", 2, first=100)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    return folder


def test_predicting_leaves_nothing_in_the_home_folder(run: Path, tmp_path: Path) -> None:
    Image.fromarray(draw("disc", 1)).save(tmp_path / "disc.png")
    home = tmp_path / "home"
    home.mkdir()
    set_elsewhere = {"ORT_DISABLE_TELEMETRY", "CONVLENS_CACHE"}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in set_elsewhere and not name.startswith("XDG_")
    }
    command = [sys.executable, "-m", "convlens", "predict", str(run), str(tmp_path / "disc.png")]
    subprocess.run(command, env={**environment, "HOME": str(home)}, check=True)
    assert not list(
        home.iterdir()
    )  # where ONNX Runtime keeps a number for the machine, unless told


def test_predict_folder_with_a_broken_file(convlens: Convlens, run: Path, mixed: Path) -> None:
    done = convlens("predict", run / "detector.onnx", mixed)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("error")
    assert "broken.jpg" in lines[0]
    assert all("%" in line and ".png" in line for line in lines[1:])
    assert "1 of 3 could not be read" in done.stderr


def test_predict_json_csv_top_glob_and_list(convlens: Convlens, run: Path, mixed: Path) -> None:
    done = convlens("predict", run, mixed, "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 1
    assert rows[0]["error"]
    assert rows[0]["predicted"] is None
    assert sum(rows[1]["probabilities"].values()) == pytest.approx(1)
    assert rows[1]["probability"] == max(rows[1]["probabilities"].values())
    done = convlens("predict", run, f"{mixed}/**/*.png", "--csv")
    assert done.returncode == 0
    assert len(list(csv.DictReader(done.stdout.splitlines()))) == 2
    done = convlens("predict", run, "-", "--top", "2", stdin=f"{mixed}/deep/100.png\n")
    assert done.returncode == 0
    assert done.stdout.count("%") == 2
    done = convlens("predict", run, "-", "--json", stdin="")
    assert json.loads(done.stdout) == []
    assert_clear(done, 1, "no pictures")
    done = convlens("predict", run, mixed / "absent.png", f"{mixed}/*.gif")
    assert done.returncode == 1
    assert done.stdout.count("No such file") == 2


def test_names_that_would_act_are_shown_harmlessly(
    convlens: Convlens, run: Path, tmp_path: Path
) -> None:
    names = [b"red\x1b[31m.png", b"two\nlines.png", b"latin\xe9.png", b"x" * 250 + b".png"]
    for name in names:
        Image.fromarray(draw("disc", 1)).save(tmp_path / "p.png")
        (tmp_path / "p.png").rename(tmp_path / os.fsdecode(name))
    done = convlens("predict", run, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert "\x1b" not in done.stdout
    assert len(json.loads(convlens("predict", run, tmp_path, "--json").stdout)) == 4
    done = convlens("predict", tmp_path / os.fsdecode(names[0]), tmp_path)
    assert_clear(done, 1, "red\\x1b[31m.png is not a convlens detector")


@pytest.mark.parametrize("command", ["predict", "find", "suggest", "evaluate"])
def test_an_empty_path_is_not_the_working_folder(
    convlens: Convlens, run: Path, command: str
) -> None:
    assert_clear(convlens(command, run, ""), 2, "a path is empty")


def test_an_isolated_detector_answers_alike(convlens: Convlens, run: Path, shapes: Path) -> None:
    words = ("predict", run, shapes / "disc" / "001.png", "--json")
    isolated, plain = convlens(*words, "--isolate"), convlens(*words)
    assert isolated.returncode == plain.returncode == 0, isolated.stderr
    assert isolated.stdout == plain.stdout


def test_an_isolated_detector_can_crash_or_hang(
    run: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(run), str(shapes / "disc" / "001.png"), "--isolate"]
    monkeypatch.setattr(isolate, "LIMITED", "import os; os.abort()")
    assert main(words) == 1
    assert "crashed (signal 6)" in capfd.readouterr().err
    monkeypatch.setattr(isolate, "LIMITED", "import time; time.sleep(100)")
    monkeypatch.setattr(isolate, "SECONDS", 1)
    assert main(words) == 1
    assert "was silent for 1 s" in capfd.readouterr().err


def test_folders_that_are_passed_over_are_counted_and_named(
    convlens: Convlens, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (".", "@eaDir", "a/#recycle", "closed"):
        save_class(tmp_path / place, "disc", 2)
    Image.fromarray(draw("disc", 5)).save(tmp_path / "~x.png")
    done = convlens("predict", run, tmp_path)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 5)
    assert "passed over (2): " in done.stderr
    assert f"{tmp_path / '@eaDir'} is, or lies in, a folder that systems make" in done.stderr
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    done = convlens("predict", run, tmp_path)
    assert_clear(done, 1, f"{tmp_path / 'closed'} cannot be listed: Permission denied")
    assert len(done.stdout.splitlines()) == 3
    done = convlens("suggest", run, tmp_path)
    assert_clear(done, 0, "passed over (3): ")


def test_a_damaged_shard_costs_no_other_answer(
    convlens: Convlens, run: Path, tmp_path: Path
) -> None:
    save_class(tmp_path, "disc", 2)
    data = (tmp_path / "000.png").read_bytes()
    tar_of(tmp_path / "z.tar", [("1.png", data), ("2.png", data)])
    cut = tar_of(tmp_path / "m.tar", [(f"{number}.png", data) for number in range(3)])
    cut.write_bytes(cut.read_bytes()[: 2 * (len(data) + 1024)])
    done = convlens("predict", run, tmp_path, "--csv")
    assert_clear(done, 1, "1 of 6 could not be read")
    rows = {row["name"]: row for row in csv.DictReader(done.stdout.splitlines())}
    assert rows.pop(str(tmp_path / "m.tar"))["error"].startswith(f"{tmp_path / 'm.tar'} ")
    assert [row["error"] for row in rows.values()] == [""] * 5


def test_suggest_names_what_cannot_be_read(convlens: Convlens, run: Path, tmp_path: Path) -> None:
    save_class(tmp_path, "disc", 1)
    (tmp_path / "x.png").write_bytes(b"\x89PNG" + bytes(20))
    done = convlens("suggest", run, tmp_path)
    assert_clear(done, 0, f"passed over (1): {tmp_path / 'x.png'} cannot be read: not a picture")
    assert_clear(convlens("suggest", run, tmp_path / "x.png"), 1, "x.png: cannot be read: not a")


def test_every_command_takes_every_name(
    convlens: Convlens, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["~x.png", "~", "[red].png", "a{1..2}.png", "x\ny.png", "-", os.fsdecode(b"b\xff.png")]
    for kind in ("disc", "cross"):
        (tmp_path / "p" / kind).mkdir(parents=True)
        for number, name in enumerate(names):
            with (tmp_path / "p" / kind / name).open("wb") as file:
                Image.fromarray(draw(kind, number)).save(file, "PNG")
    assert_clear(convlens("inspect", tmp_path / "p"), 0, "")
    for form in ("--csv", "--json", "--quiet"):
        assert_clear(convlens("predict", run, tmp_path / "p", form), 0, "")
    assert_clear(convlens("evaluate", run, tmp_path / "p"), 0, "")
    assert_clear(convlens("suggest", run, tmp_path / "p"), 0, "")
    assert_clear(convlens("shard", tmp_path / "p", "--out", tmp_path / "s"), 0, "")
    assert_clear(convlens("evaluate", run, tmp_path / "s"), 0, "")
    monkeypatch.chdir(tmp_path / "p" / "disc")
    for name in set(names) - {"-"}:
        done = convlens("predict", run, name)
        assert_clear(done, 0, "")
        assert len(done.stdout.splitlines()) == 1


def test_a_pattern_reaches_into_the_folders_that_it_matches(
    convlens: Convlens, run: Path, tmp_path: Path
) -> None:
    for place in (".", "sub/deep", "@eaDir"):
        save_class(tmp_path / place, "disc", 1)
    for pattern, count in (("*", 2), ("**", 2), ("s*", 1)):
        done = convlens("predict", run, tmp_path / pattern)
        assert (done.returncode, len(done.stdout.splitlines())) == (0, count), pattern
    assert_clear(convlens("predict", run, tmp_path / "x*"), 1, "1 of 1 could not be read")


def test_a_side_that_jpeg_cannot_have_is_drawn_smaller(
    convlens: Convlens, run: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (66_000, 20)).save(tmp_path / "long.png")
    done = convlens("predict", run, tmp_path / "long.png", "--why", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "o" / "long-why.jpg").size[0] == 65_500


def test_top_is_for_classes(convlens: Convlens, boxes_run: Path, objects: Path) -> None:
    done = convlens("predict", boxes_run, objects, "--top", "3")
    assert_clear(done, 2, "--top is for detectors of classes")
