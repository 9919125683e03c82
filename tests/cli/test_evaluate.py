"""`convlens evaluate`: its table, its JSON, and what it refuses."""

import json
from pathlib import Path

from helpers import Convlens, assert_clear, save_class


def test_evaluating_on_the_manifest_gives_the_runs_own_figures(
    convlens: Convlens, run: Path
) -> None:
    done = convlens("evaluate", run / "detector.onnx", run / "manifest.csv", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    wanted = json.loads((run / "metrics.json").read_text())["test"]
    assert {key: figures[key] for key in wanted} == wanted
    assert len(figures["worst_mistakes"]) == min(20, round((1 - wanted["accuracy"]) * wanted["n"]))


def test_evaluate_prints_a_table(convlens: Convlens, run: Path, shapes: Path) -> None:
    done = convlens("evaluate", run / "detector.onnx", shapes)
    assert done.returncode == 0
    for word in ("accuracy", "95 % interval", "balanced", "majority", "cost J", "cross", "disc"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "1 files were left out" in done.stdout


def test_evaluate_refuses_unknown_classes(convlens: Convlens, run: Path, tmp_path: Path) -> None:
    for kind in ("disc", "square"):
        save_class(tmp_path / kind, "disc", 2)
    assert_clear(convlens("evaluate", run, tmp_path), 1, "also have 'square'")


def test_pictures_that_cannot_be_judged_say_why(
    convlens: Convlens, run: Path, tmp_path: Path
) -> None:
    for kind in ("disc", "cross"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "1.png").write_text("no picture")
    nothing_read = "none of the pictures could be read; the first: "
    assert_clear(convlens("evaluate", run, tmp_path), 1, nothing_read)
    nothing_marked = f"{tmp_path} marks no pictures as val"
    assert_clear(convlens("evaluate", run, tmp_path, "--split", "val"), 1, nothing_marked)


def test_a_class_may_be_missing_when_judging(convlens: Convlens, run: Path, tmp_path: Path) -> None:
    save_class(tmp_path / "disc", "disc", 5, first=300)
    done = convlens("evaluate", run, tmp_path, "--json")
    figures = json.loads(done.stdout)
    assert figures["n"] == 5
    assert figures["per_class"]["cross"]["support"] == 0
    assert figures["accuracy"] == figures["per_class"]["disc"]["recall"]


def test_what_was_learnt_from_is_not_judged_without_a_word(
    convlens: Convlens, run: Path, tmp_path: Path
) -> None:
    for split in ("train", "val"):
        for kind in ("disc", "cross"):
            save_class(tmp_path / split / kind, kind, 2)
    done = convlens("evaluate", run, tmp_path)
    assert_clear(done, 2, "marks pictures to learn from and none as test: say which with --split")
    assert convlens("evaluate", run, tmp_path, "--split", "all").returncode == 0
