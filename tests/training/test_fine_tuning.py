"""Fine-tuning: beside a detector that is there, judged by pictures that chose nothing, and sure."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from convlens import Detector, train
from convlens.engine.callbacks import NullCallback
from convlens.training import classes, mixing
from convlens.training.job import Job
from convlens.training.model import Model
from convlens.transfer.linear_probe import LinearProbe
from helpers import needs_weights, save_class, save_shapes

pytestmark = [pytest.mark.usefixtures("spared"), pytest.mark.trains]


class Hearing(NullCallback):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize("wins", [True, False])
def test_a_detector_is_there_before_fine_tuning_which_replaces_it_only_where_it_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wins: bool
) -> None:
    needs_weights()
    monkeypatch.setattr("convlens.training.plan.HARD", 0.0)
    monkeypatch.setattr("convlens.training.plan.MIN_VAL_EXAMPLES", 2)
    monkeypatch.setattr("convlens.training.budget.TUNING", (1e6, 0.02, 0.02))  # seconds
    first: list[bool] = []  # the features as they are come first and begin the selection

    def accepts(*_: object) -> bool:
        first.append(True)
        return wins or len(first) == 1

    monkeypatch.setattr("convlens.engine.loop.ModelSelection.accepts", accepts)
    save_shapes(tmp_path / "p", 12)
    early: list[bytes] = []

    class Watching(NullCallback):
        def step(self, done: int, steps: int, rate: float, left: float) -> None:
            early.append((tmp_path / "r" / "detector.onnx").read_bytes())
            with (tmp_path / "r" / "manifest.csv").open() as file:  # which goes with the detector
                assert {row["split"] for row in csv.DictReader(file)} == {"train"}

    run = train(
        tmp_path / "p",
        tmp_path / "r",
        network="efficientnet-lite0",
        size=64,
        compute="float32",
        callback=Watching(),
    )
    last = run.detector.read_bytes()
    assert Detector(early[0]).labels == ("cross", "disc")
    assert (last != early[0]) == wins
    tried = run.metrics["tried"]
    assert tried["fine-tuned"] == wins
    judged = run.metrics["test"]["n"]
    if wins:
        assert set(run.metrics["pictures"]) == {"train", "val", "test"}
        assert run.metrics["folds"] == 1
        assert tried["held_out"]["n"] == judged == sum(run.metrics["pictures"]["test"].values())
        assert tried["held_out"]["tuned"] == run.metrics["test"]["accuracy"]
        assert "neither learnt from" in (run.folder / "report.html").read_text()
    else:
        assert run.metrics["pictures"] == {"train": {"cross": 12, "disc": 12}}
        assert run.metrics["folds"] == 5
        assert judged == 24


def test_fine_tuning_ends_early_where_it_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_weights()
    monkeypatch.setattr("convlens.training.plan.HARD", 0.0)
    monkeypatch.setattr("convlens.training.plan.MIN_VAL_EXAMPLES", 2)
    monkeypatch.setattr("convlens.engine.early_stopping.DONE", 0.001)
    monkeypatch.setattr("convlens.engine.early_stopping.TIMES", 0.0)
    monkeypatch.setattr("convlens.engine.early_stopping.MORE", -100.0)
    monkeypatch.setattr("convlens.training.budget.FEWEST_MEASURED", 100)  # after every step
    monkeypatch.setattr("convlens.training.budget.MEASURING", 100)
    save_shapes(tmp_path / "p", 12)
    hearing = Hearing()
    run = train(
        tmp_path / "p",
        tmp_path / "r",
        network="efficientnet-lite0",
        size=64,
        compute="float32",
        minutes=1,
        callback=hearing,
    )
    assert [line for line in hearing.said if "far behind the features as they are" in line]
    assert run.finished
    assert not run.metrics["tried"]["fine-tuned"]
    plan = json.loads((run.folder / "run.json").read_text())["plan"]["steps"]
    ended = plan["phases"][-1]["end"]
    events = [json.loads(e) for e in (run.folder / "events.jsonl").read_text().splitlines()]
    assert [e["step"] for e in events if e["event"] == "measure"][-1] == ended


def test_held_out_pictures_choose_no_backbone_of_what_is_fine_tuned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_weights()
    monkeypatch.setattr("convlens.transfer.backbones.HARD", 1e9)  # so two are tried, and joined
    seen: list[int] = []

    def chosen(probes: Sequence[LinearProbe], *_: object, **__: object) -> int:
        seen.append(len(probes[0].pictures.labels))
        return 0 if len(seen) == 1 else 1

    monkeypatch.setattr("convlens.training.model.choose_backbone", chosen)
    monkeypatch.setattr("convlens.engine.loop.ModelSelection.accepts", lambda *_: True)
    save_shapes(tmp_path / "p", 40)
    hearing = Hearing()
    run = train(
        tmp_path / "p",
        tmp_path / "r",
        size=64,
        steps=2,
        compute="float32",
        callback=hearing,
    )
    record = json.loads((run.folder / "run.json").read_text())
    first, second, _ = record["plan"]["backbones"]
    assert seen == [80, 80 - run.metrics["test"]["n"]]
    assert record["plan"]["network"] == first
    assert record["network"]["network"] == second
    assert any(text.startswith("tuning:  ") for text in hearing.said)


def test_what_is_fine_tuned_is_as_sure_as_it_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever temperature the features as they are had before."""
    needs_weights()
    monkeypatch.setattr("convlens.engine.loop.ModelSelection.accepts", lambda *_: True)
    for split, first, count in (("train", 0, 20), ("val", 20, 30), ("test", 50, 5)):
        for kind in ("disc", "cross"):
            save_class(tmp_path / "p" / split / kind, kind, count, first=first)
    for number in range(60, 64):  # so that nobody may be sure
        save_class(tmp_path / "p" / "val" / "disc", "cross", 1, first=number)
    temperatures: list[tuple[float, ...]] = []

    def to_train(job: Job, model: Model) -> tuple[Job, Model, Model]:
        made = mixing.to_train(job, model)
        temperatures.append(tuple(one.module.temperature.item() for one in made[1:]))
        return made

    monkeypatch.setattr(classes, "to_train", to_train)
    options = {"network": "efficientnet-lite0", "size": 64, "steps": 2, "compute": "float32"}
    run = train(tmp_path / "p", tmp_path / "r", **options)  # type: ignore[arg-type]
    assert run.metrics["tried"]["fine-tuned"]
    [(before, begun)] = temperatures
    assert before != begun == 1
    told = Detector(run.detector).evaluate(tmp_path / "p", split="val").metrics
    assert told.cost == pytest.approx(run.metrics["validation"]["cost"], rel=0.02)
