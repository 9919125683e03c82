"""The commands as a user runs them: real processes, their output, files and exit status."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convlens.cli import main
from convlens.cli import predict as predict_command
from convlens.errors import ConvlensError, require
from convlens.tasks.classification.metrics import compute_metrics
from helpers import SMALL, assert_clear, convlens, draw, flags, save_class


def test_a_run_leaves_everything(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "detector.onnx",
        "metrics.json",
        "run.json",
        "events.jsonl",
        "predictions.csv",
        "manifest.csv",
        "report.html",
        "preview.png",
        "parameters.safetensors",
        "checkpoint",
    }
    record = json.loads((run / "run.json").read_text())
    assert record["options"]["seed"] == 3
    assert record["chosen"]["compute"] == "float32"
    assert record["versions"]["torch"]
    assert len(record["data"]["fingerprint"]) == 64
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events][:: len(events) - 1] == ["begin", "end"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["n"] == 32
    assert metrics["test"]["accuracy"] > 0.75  # discs and crosses are not hard
    assert metrics["parity"]["largest_difference"] < 1e-4
    assert [Path(s["name"]).name for s in metrics["skipped"]] == ["notes.txt"]
    with Image.open(run / "preview.png") as preview:
        assert preview.width > 100


def test_every_figure_follows_from_predictions_csv(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())["test"]
    with (run / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    labels = tuple(metrics["labels"])
    true = np.array([labels.index(row["label"]) for row in rows])
    p = np.array([[row[f"p:{label}"] for label in labels] for row in rows]).astype(np.float32)
    again = json.loads(json.dumps(compute_metrics(labels, true, probabilities_NK=p).as_json()))
    assert again == metrics


def test_evaluating_on_the_manifest_gives_the_runs_own_figures(run: Path) -> None:
    done = convlens("evaluate", run / "detector.onnx", run / "manifest.csv", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    wanted = json.loads((run / "metrics.json").read_text())["test"]
    assert {key: figures[key] for key in wanted} == wanted
    assert len(figures["worst_mistakes"]) == min(20, round((1 - wanted["accuracy"]) * wanted["n"]))


def test_predictions_are_those_of_the_run(run: Path) -> None:
    with (run / "predictions.csv").open() as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    done = convlens("predict", run, "-", "--csv", stdin="\n".join(rows))
    for row in csv.DictReader(done.stdout.splitlines()):
        wanted = rows[row["name"]]
        assert row["predicted"] == wanted["predicted"]
        assert row["p:disc"] == wanted["p:disc"]


def test_evaluate_prints_a_table(run: Path, shapes: Path) -> None:
    done = convlens("evaluate", run / "detector.onnx", shapes)
    assert done.returncode == 0
    for word in ("accuracy", "95 % interval", "balanced", "majority", "cost J", "cross", "disc"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "1 files were left out" in done.stdout


def test_evaluate_refuses_unknown_classes(run: Path, tmp_path: Path) -> None:
    for kind in ("disc", "square"):
        save_class(tmp_path / kind, "disc", 2)
    assert_clear(convlens("evaluate", run, tmp_path), 1, "also have 'square'")


def test_a_class_may_be_missing_when_judging(run: Path, tmp_path: Path) -> None:
    save_class(tmp_path / "disc", "disc", 5, first=300)
    done = convlens("evaluate", run, tmp_path, "--json")
    figures = json.loads(done.stdout)
    assert figures["n"] == 5
    assert figures["per_class"]["cross"]["support"] == 0
    assert figures["accuracy"] == figures["per_class"]["disc"]["recall"]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    folder = tmp_path / "some pictures"
    save_class(folder / "deep", "disc", 2, first=100)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    return folder


def test_predict_folder_with_a_broken_file(run: Path, mixed: Path) -> None:
    done = convlens("predict", run / "detector.onnx", mixed)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("error")
    assert "broken.jpg" in lines[0]
    assert all("%" in line and ".png" in line for line in lines[1:])
    assert "1 of 3 could not be read" in done.stderr


def test_predict_json_csv_top_glob_and_list(run: Path, mixed: Path) -> None:
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


def test_names_that_would_act_are_shown_harmlessly(run: Path, tmp_path: Path) -> None:
    names = [b"red\x1b[31m.png", b"two\nlines.png", b"latin\xe9.png", b"x" * 250 + b".png"]
    for name in names:
        Image.fromarray(draw("disc", 1)).save(tmp_path / "p.png")
        (tmp_path / "p.png").rename(tmp_path / os.fsdecode(name))
    done = convlens("predict", run, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert "\x1b" not in done.stdout
    assert len(json.loads(convlens("predict", run, tmp_path, "--json").stdout)) == 4


def test_networks_prints_the_lectures_table() -> None:
    done = convlens("networks", "lecture", "--size", "32", "--classes", "10")
    assert done.returncode == 0
    assert "28×28×6" in done.stdout
    assert "62,006" in done.stdout
    table = json.loads(convlens("networks", "lecture", "--size", "32", "--json").stdout)
    assert table["layers"][0]["parameters"] == 456
    assert "residual" in convlens("networks").stdout
    line = json.loads(convlens("networks", "auto", "--json").stdout)["network"]
    assert json.loads(convlens("networks", line, "--json").stdout)["network"] == line


def test_misuse_is_status_2_and_failure_1(tmp_path: Path, shapes: Path, run: Path) -> None:
    assert_clear(convlens("networks", "cnv 3"), 2, "convlens: error: network: there is no layer")
    assert_clear(convlens("train"), 2, "train takes pictures")
    assert_clear(convlens("train", shapes, "--epochs", "many"), 2, "invalid int value")
    assert_clear(convlens("train", shapes, "--out", run), 2, "--resume")
    assert_clear(convlens("train", shapes, "--network", "conv 3"), 2, "in 'conv 3'")
    assert_clear(convlens("train", shapes, "--batch", "few", *flags(size=16)), 2, "--batch few")
    assert_clear(convlens("train", tmp_path / "none"), 1, "there is no")
    assert_clear(convlens("predict", tmp_path / "none.onnx", "x.png"), 1, "cannot read")
    assert_clear(convlens("train", "--resume", tmp_path), 1, "has no run.json")
    save_class(tmp_path / "p" / "only", "disc", 3)
    assert_clear(convlens("train", tmp_path / "p"), 1, "one class only: 'only' (3)")
    (tmp_path / "q" / "a").mkdir(parents=True)
    (tmp_path / "q" / "b").mkdir()
    for kind in "ab":
        (tmp_path / "q" / kind / "x.jpg").write_text("no picture")
    assert_clear(convlens("train", tmp_path / "q"), 1, "none of the 2 files")


def test_classes_called_2_and_10_with_one_missing_from_a_split(tmp_path: Path) -> None:
    save_class(tmp_path / "p" / "train" / "2", "disc", 30)
    save_class(tmp_path / "p" / "train" / "10", "cross", 30)
    save_class(tmp_path / "p" / "valid" / "2", "disc", 8, first=50)
    save_class(tmp_path / "p" / "valid" / "10", "cross", 8, first=50)
    save_class(tmp_path / "p" / "test" / "10", "cross", 12, first=70)
    options = flags(**{**SMALL, "epochs": 20, "threads": 2})
    done = convlens("train", tmp_path / "p", "--out", tmp_path / "r", "--json", *options)
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)
    assert metrics["test"]["labels"] == ["2", "10"]
    assert metrics["test"]["accuracy"] >= 0.75
    assert metrics["test"]["per_class"]["10"]["support"] == 12
    (tmp_path / "p" / "test" / "10").rename(tmp_path / "p" / "test" / "2")
    done = convlens("evaluate", tmp_path / "r", tmp_path / "p", "--json")
    assert json.loads(done.stdout)["accuracy"] == pytest.approx(1 - metrics["test"]["accuracy"])


def test_import_and_predict_load_no_torch(run: Path) -> None:
    code = (
        "import sys, convlens, convlens.cli\n"
        "heavy = {'torch', 'numpy', 'onnxruntime', 'rich', 'PIL', 'timm', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert convlens.cli.main(['predict', sys.argv[1], sys.argv[2]]) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    Image.fromarray(draw("disc", 1)).save(run.parent / "one.png")
    command = [sys.executable, "-c", code, str(run), str(run.parent / "one.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", ["", "inspect", "train", "predict", "evaluate", "compare", "networks", "why"]
)
def test_help_has_examples(command: str) -> None:
    done = convlens(*command.split(), "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout


def test_a_reader_that_stops_early_is_no_error(run: Path, shapes: Path) -> None:
    command = f"{sys.executable} -m convlens predict {run} {shapes} {shapes} {shapes} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_no_picture_at_all(tmp_path: Path) -> None:
    for kind in ("a", "b"):
        (tmp_path / "p" / kind).mkdir(parents=True)
        (tmp_path / "p" / kind / "note.txt").write_text("no picture")
    done = convlens("train", tmp_path / "p", "--out", tmp_path / "r")
    assert_clear(done, 1, "none of the 2 files in")
    assert "not a picture of a known kind" in done.stderr
    assert not (tmp_path / "r").exists()


def test_a_missing_library_is_named() -> None:
    with pytest.raises(
        ConvlensError, match=r"needs no_such_thing.*pip install 'convlens\[extra\]'"
    ):
        require("no_such_thing", "extra", what="this")


def test_ctrl_c_is_status_130(run: Path) -> None:
    command = [sys.executable, "-m", "convlens", "predict", str(run), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(3)  # it waits for names
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == b"convlens: stopped\n"
    assert process.returncode == 130


@pytest.mark.parametrize("page", ["errors.md", "reliability.md"])
def test_what_the_guides_name_exists(page: str) -> None:
    home = Path(__file__).parent
    text = (home.parent / "docs" / page).read_text("utf-8")
    tests = "".join(path.read_text("utf-8") for path in home.glob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in tests, name
    for path in re.findall(r"(?:torture|benchmarks|tests)/[\w/]+\.py", text):
        assert (home.parent / path).exists(), path


def test_an_isolated_detector_answers_alike(run: Path, shapes: Path) -> None:
    words = ("predict", run, shapes / "disc" / "001.png", "--json")
    isolated, plain = convlens(*words, "--isolate"), convlens(*words)
    assert isolated.returncode == plain.returncode == 0, isolated.stderr
    assert isolated.stdout == plain.stdout


def test_an_isolated_detector_can_crash_or_hang(
    run: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(run), str(shapes / "disc" / "001.png"), "--isolate"]
    monkeypatch.setattr(predict_command, "LIMITED", "import os; os.abort()")
    assert main(words) == 1
    assert "crashed (signal 6)" in capfd.readouterr().err
    monkeypatch.setattr(predict_command, "LIMITED", "import time; time.sleep(100)")
    monkeypatch.setattr(predict_command, "SECONDS", 1)
    assert main(words) == 1
    assert "was silent for 1 s" in capfd.readouterr().err
