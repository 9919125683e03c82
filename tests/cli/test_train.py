"""`convlens train`: what a run leaves, and what is refused."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convlens.stopwatch import told
from convlens.tasks.classification.metrics import compute_metrics
from helpers import SMALL, Convlens, assert_clear, flags, save_class

pytestmark = pytest.mark.trains


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
    assert record["plan"]["compute"] == "float32"
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


def test_a_run_tells_where_its_time_went(run: Path) -> None:
    seconds = json.loads((run / "metrics.json").read_text())["seconds"]
    guide = (Path(__file__).parents[2] / "docs/train.md").read_text("utf-8")
    parts = re.findall(r"^\| `(\w+)` \|", guide.split("## Where the time goes")[1], re.M)
    # the run was asked for from Python, and began with random parameters
    assert set(seconds) == set(parts) - {"importing", "features"}
    assert all(spent >= 0 for spent in seconds.values())
    end = json.loads((run / "events.jsonl").read_text().splitlines()[-1])
    assert end["seconds"] == seconds
    assert f"It took {told(seconds)}." in (run / "report.html").read_text()


def test_every_figure_follows_from_predictions_csv(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())["test"]
    with (run / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    labels = tuple(metrics["labels"])
    true = np.array([labels.index(row["label"]) for row in rows])
    p = np.array([[row[f"p:{label}"] for label in labels] for row in rows]).astype(np.float32)
    again = json.loads(json.dumps(compute_metrics(labels, true, probabilities_NK=p).as_json()))
    assert again == metrics


def test_classes_called_2_and_10_with_one_missing_from_a_split(
    convlens: Convlens, tmp_path: Path
) -> None:
    save_class(tmp_path / "p" / "train" / "2", "disc", 30)
    save_class(tmp_path / "p" / "train" / "10", "cross", 30)
    save_class(tmp_path / "p" / "valid" / "2", "disc", 8, first=50)
    save_class(tmp_path / "p" / "valid" / "10", "cross", 8, first=50)
    save_class(tmp_path / "p" / "test" / "10", "cross", 12, first=70)
    options = flags(**{**SMALL, "epochs": 20, "threads": 2})
    done = convlens("train", tmp_path / "p", "--out", tmp_path / "r", "--json", *options)
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)
    assert "importing" in metrics["seconds"]
    assert metrics["test"]["labels"] == ["2", "10"]
    assert metrics["test"]["accuracy"] >= 0.75
    assert metrics["test"]["per_class"]["10"]["support"] == 12
    (tmp_path / "p" / "test" / "10").rename(tmp_path / "p" / "test" / "2")
    done = convlens("evaluate", tmp_path / "r", tmp_path / "p", "--json")
    assert json.loads(done.stdout)["accuracy"] == pytest.approx(1 - metrics["test"]["accuracy"])


def test_no_picture_at_all(convlens: Convlens, tmp_path: Path) -> None:
    for kind in ("a", "b"):
        (tmp_path / "p" / kind).mkdir(parents=True)
        (tmp_path / "p" / kind / "note.txt").write_text("no picture")
    done = convlens("train", tmp_path / "p", "--out", tmp_path / "r")
    assert_clear(done, 1, "none of the 2 files in")
    assert "not a picture of a known kind" in done.stderr
    assert not (tmp_path / "r").exists()
