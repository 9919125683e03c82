"""Boxes that are missing or wrong are found by networks that did not learn from their pictures."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convlens.inspection.box_errors import box_issues
from convlens.options import (
    BudgetOptions,
    ComputeOptions,
    DataOptions,
    OptimizerOptions,
    TrainOptions,
)
from convlens.pictures.boxes.box import Box
from convlens.pictures.boxes.read import read_boxes
from convlens.tasks.boxes.matching import Truth
from convlens.tasks.boxes.prediction import BoxPrediction
from convlens.training.boxes.crosswise import answer_crosswise
from helpers import Convlens, assert_clear, save_shapes
from objects import CLASSES, save_objects

Row = tuple[tuple[float, float, float, float], str, float]


def answer(*rows: Row) -> BoxPrediction:
    """Boxes, classes and scores."""
    return BoxPrediction(
        "1.jpg",
        labels=CLASSES,
        boxes=np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([score for _, _, score in rows], np.float32),
        classes=np.array([CLASSES.index(said) for _, said, _ in rows], np.int64),
    )


def truth(*rows: tuple[tuple[float, float, float, float], str], ignored: bool = False) -> Truth:
    """Boxes and classes."""
    boxes = np.array([box for box, _ in rows], np.float64).reshape(-1, 4)
    return Truth(boxes, tuple(label for _, label in rows), np.full(len(rows), ignored))


HERE, BESIDE, FAR = (10.0, 10.0, 50.0, 50.0), (25.0, 10.0, 65.0, 50.0), (80.0, 80.0, 99.0, 99.0)


@pytest.mark.parametrize(
    ("there", "said", "expected"),
    [
        (truth(), answer((HERE, "disc", 0.9)), ("missing", None, "disc")),
        (truth(), answer((HERE, "disc", 0.7)), None),
        (truth((HERE, "disc")), answer((HERE, "disc", 0.9)), None),
        (truth((HERE, "square")), answer((HERE, "disc", 0.9)), ("class", "square", "disc")),
        (
            truth((HERE, "square")),
            answer((HERE, "disc", 0.9), (HERE, "square", 0.4)),
            None,
        ),
        (truth((BESIDE, "disc")), answer((HERE, "disc", 0.9)), ("place", "disc", "disc")),
        (truth((HERE, "square"), ignored=True), answer((HERE, "disc", 0.9)), None),
        (
            truth((HERE, "disc"), (FAR, "square")),
            answer((HERE, "disc", 0.9), (FAR, "disc", 0.95)),
            ("class", "square", "disc"),
        ),
    ],
)
def test_sure_answers_speak_against_labels(
    there: Truth, said: BoxPrediction, expected: tuple[str, str | None, str] | None
) -> None:
    found = [(issue.kind, issue.label, issue.suggested) for issue in box_issues([(there, said)])]
    assert found == ([] if expected is None else [expected])


def test_a_box_around_nothing_is_told_where_others_of_its_class_are_found() -> None:
    seen = (truth((HERE, "disc")), answer((HERE, "disc", 0.6)))
    unseen = (truth((FAR, "disc")), answer((HERE, "disc", 0.6)))
    issues = box_issues([*[seen] * 19, unseen])
    assert [(issue.kind, issue.box, issue.label) for issue in issues] == [
        ("nothing", Box(*FAR), "disc")
    ]
    assert issues[0].probability == pytest.approx(0.95)
    assert not box_issues([*[seen] * 5, unseen])  # the class is hard to find


@pytest.mark.trains
def test_labels_that_were_spoilt_are_found(tmp_path: Path) -> None:
    """Of right boxes, some were taken away, given the other class, or put where nothing is."""
    folder = save_objects(tmp_path / "pictures", 48)
    path = folder / "annotations.json"
    record = json.loads(path.read_text())
    notes = record["annotations"]
    of_picture = Counter(note["image_id"] for note in notes)
    alone = [note for note in notes if of_picture[note["image_id"]] == 1]
    *_, turned, lost = sorted(alone, key=lambda note: note["area"])
    turned["category_id"] = 3 - turned["category_id"]
    record["annotations"] = [note for note in notes if note is not lost]
    path.write_text(json.dumps(record))
    options = TrainOptions(
        data=DataOptions(size=96),
        budget=BudgetOptions(epochs=24),
        optimizer=OptimizerOptions(learning_rate=0.002),  # there are few steps
        compute=ComputeOptions(threads=1, compute="float32"),
    )
    told: list[str] = []
    answers = answer_crosswise(
        folder, options, count=2, progress=lambda what, *_: told.append(what)
    )
    assert {"training 1 of 2", "training 2 of 2"} <= set(told)
    catalog = read_boxes(folder)
    assert catalog is not None
    assert [prediction.name for _, prediction in answers] == list(catalog.names)
    issues = box_issues(answers)
    files = {image["id"]: image["file_name"] for image in record["images"]}
    found = {(Path(issue.name).name, issue.kind) for issue in issues}
    assert (files[lost["image_id"]], "missing") in found
    assert (files[turned["image_id"]], "class") in found
    assert len(issues) <= 4  # of 70 boxes, two are wrong


def test_what_is_found_is_told_and_drawn(
    tmp_path: Path, convlens: Convlens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the terminal, as JSON, and on the page, with answers that say one picture lacks a box."""
    folder = save_objects(tmp_path / "pictures", 3, most=0)
    names = sorted(str(path) for path in (folder / "images").glob("*.png"))

    def answers(*_: object, **__: object) -> list[tuple[Truth, BoxPrediction]]:
        said = [answer((HERE, "disc", 0.9)), answer(), answer()]
        return [(truth(), replace(one, name=n)) for one, n in zip(said, names, strict=True)]

    monkeypatch.setattr("convlens.inspection.box_errors.crosswise_answers", answers)
    page = tmp_path / "page.html"
    done = convlens("inspect", folder, "--labels", "--report", page)
    assert "boxes that are probably wrong or missing, the surest first: 1" in done.stdout
    assert f"no box: disc (90.0%) at (10, 10, 50, 50)  {names[0]}" in done.stdout
    assert "no box: disc (90%)" in page.read_text()
    [told] = json.loads(convlens("inspect", folder, "--labels", "--json").stdout)["box_labels"]
    assert (told["kind"], told["box"]) == ("missing", list(HERE))


def test_time_is_for_boxes(tmp_path: Path, convlens: Convlens) -> None:
    folder = save_shapes(tmp_path / "pictures", 2)
    done = convlens("inspect", folder, "--labels", "--minutes", "3")
    assert_clear(done, 2, "--minutes is for --labels of pictures with boxes")
