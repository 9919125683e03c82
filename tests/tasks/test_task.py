"""The seam for kinds of answer: another task needs nothing outside of itself and its line."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from starlette.testclient import TestClient

from convlens import Detector
from convlens.cli import main
from convlens.detector.integrity import seal, unseal
from convlens.pictures.catalog import Catalog
from convlens.pictures.read import read_catalog
from convlens.serving.app import create_app
from convlens.tasks.shown import Grid, Report
from convlens.tasks.task import TASKS, Task, task_named


@dataclass(frozen=True)
class Score:
    """A number for each picture, in place of a class."""

    name: str
    predicted: float | None
    error: str | None = None
    strange = False
    probability = margin = 0.5


@dataclass(frozen=True)
class Scores:
    mean: float
    skipped: Sequence[tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        return {"mean": self.mean}


class Rating:
    """The first class's probability as a score; the labels do not matter."""

    outputs = ("probabilities",)

    def fits(self, shapes: Any, classes: Sequence[str]) -> bool:
        return "probabilities" in shapes

    def read(self, pictures: str | Path, *, boxes: str | None = None) -> Catalog:
        return read_catalog(pictures)

    def truths(self, catalog: Catalog, classes: Sequence[str]) -> Sequence[str]:
        return catalog.labels

    def rule(self, data: Any, classes: Sequence[str]) -> None:
        assert data["objective"] == ""

    def predict(
        self, name: str, outputs: Sequence[Any], *, error: str | None = None, **_: Any
    ) -> Score:
        return Score(name, float(outputs[0][0]) if outputs else None, error)

    def evaluate(
        self, answers: Sequence[tuple[str, Score]], _: Any, *, skipped: Sequence[tuple[str, str]]
    ) -> Scores:
        return Scores(float(np.mean([score.predicted for _, score in answers])), skipped)

    def columns(self, classes: Sequence[str]) -> list[str]:
        return ["name", "score"]

    def rows(self, score: Score) -> list[list[Any]]:
        return [[score.name, score.predicted]]

    def lines(self, score: Score, top: int) -> list[str]:
        return [f"{score.error or score.predicted} {score.name}"]

    def as_json(self, score: Score, top: int | None = None) -> dict[str, Any]:
        return {"name": score.name, "score": score.predicted, "error": None, "strange": False}

    def summary(self, scores: Scores, *, rule: None) -> Iterator[str | Grid]:
        yield Grid(["metric", "value"], [["mean score", f"{scores.mean:.4f}"]])

    def report(self, metrics: Any, scores: Any) -> Report:
        return Report("", [], "")

    def comparing(self) -> None:
        raise NotImplementedError("nobody compares it here")


@pytest.fixture
def rating(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A detector of another task, whose package is only named in the table of tasks."""
    module = ModuleType("convlens.tasks.rating")
    vars(module)["Rating"] = Rating
    monkeypatch.setitem(sys.modules, "convlens.tasks.rating", module)
    monkeypatch.setitem(TASKS, "rating", "rating:Rating")
    model = onnx.load_from_string(bytes(unseal((run / "detector.onnx").read_bytes())))
    for entry in model.metadata_props:
        entry.value = "rating" if entry.key == "task" else entry.value
    path = tmp_path / "detector.onnx"
    path.write_bytes(seal(model.SerializeToString()))
    return path


def test_another_task_is_predicted_evaluated_and_served(
    rating: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str, status: int = 0) -> str:
        assert main(list(words)) == status
        return capsys.readouterr().out

    photo = str(shapes / "disc" / "001.png")
    detector: Any = Detector(rating)
    score = detector.predict(photo).predicted
    assert said("predict", str(rating), photo) == f"{score} {photo}\n"
    assert "No such file" in said("predict", str(rating), "nowhere.png", status=1)
    assert said("predict", str(rating), photo, "--csv") == f"name,score\n{photo},{score}\n"
    assert json.loads(said("predict", str(rating), photo, "--json"))[0]["score"] == score
    mean = detector.evaluate(shapes).mean
    assert f"mean score  {mean:.4f}" in said("evaluate", str(rating), str(shapes))
    assert json.loads(said("evaluate", str(rating), str(shapes), "--json")) == {"mean": mean}
    client = TestClient(create_app(detector))
    answer = client.post("/predict", files={"files": Path(photo).read_bytes()}).json()
    assert answer["predictions"][0]["score"] == score


@pytest.mark.parametrize("task", [Rating, *(type(task_named(name)) for name in TASKS)])
def test_a_task_has_the_members_of_the_protocol_and_no_others(task: type) -> None:
    members = {name for name in (*vars(Task), *Task.__annotations__) if name[0] != "_"}
    assert {name for name in vars(task) if name[0] != "_"} == members
