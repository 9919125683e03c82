"""Average precision against COCO's own, and what is found, missed and not there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxed import coco, read, save_pictures, write
from convlens.errors import ConvlensError
from convlens.pictures.boxes.box import Box
from convlens.pictures.source import BytesSource
from convlens.tasks.boxes.evaluation import evaluate
from convlens.tasks.boxes.matching import IGNORED, NONE, Truth, average_precision, match
from convlens.tasks.boxes.prediction import BoxPrediction, predict
from convlens.tasks.boxes.rule import BoxRule, read_rule
from convlens.tasks.boxes.truth import truths_of
from helpers import package

LABELS = ("cat", "dog")
Objects = list[tuple[tuple[float, ...], str]]


def truth(*objects: tuple[tuple[float, float, float, float], str], ignored: int = 0) -> Truth:
    boxes = np.array([box for box, _ in objects], float).reshape(-1, 4)
    marks = np.arange(len(objects)) >= len(objects) - ignored
    return Truth(boxes, tuple(label for _, label in objects), marks)


def answer(
    name: str, *found: tuple[tuple[float, float, float, float], str, float], least: float = 0.5
) -> BoxPrediction:
    order = sorted(found, key=lambda one: -one[2])
    outputs: list[Any] = [
        np.array([box for box, _, _ in order], np.float32).reshape(-1, 4),
        np.array([score for _, _, score in order], np.float32),
        np.array([LABELS.index(label) for _, label, _ in order], np.int64),
        np.array(len(order)),
    ]
    return predict(name, outputs, classes=LABELS, rule=BoxRule((least, least)))


def test_average_precision_is_cocos() -> None:
    """Of random objects and answers, the library and our own curve come to the same."""
    random = np.random.default_rng(0)
    answers = []
    for number in range(40):
        corners = random.uniform(0, 80, (int(random.integers(0, 6)), 2))
        boxes = np.concatenate((corners, corners + random.uniform(8, 40, corners.shape)), 1)
        labels = [LABELS[k] for k in random.integers(0, 2, len(boxes))]
        found = []
        for box, label in zip(boxes, labels, strict=True):
            for _ in range(int(random.integers(0, 3))):
                moved = np.sort((box + random.normal(0, 4, 4)).reshape(2, 2), 0).reshape(-1)
                other = label if random.random() < 0.8 else LABELS[int(random.integers(0, 2))]
                found.append((tuple(moved.tolist()), other, float(random.random())))
        pairs = [(tuple(b.tolist()), k) for b, k in zip(boxes, labels, strict=True)]
        answers.append((truth(*pairs), answer(f"{number}", *found)))
    sources = [BytesSource(f"{n}", b"") for n in range(len(answers))]
    evaluation = evaluate(answers, sources)
    metrics = evaluation.metrics
    own = [of.ap50 for of in metrics.per_class.values()]
    assert 0.2 < metrics.ap50 < 0.95
    assert np.mean([value or 0 for value in own]) == pytest.approx(metrics.ap50, abs=1e-6)
    low, high = metrics.ap50_interval
    assert low < metrics.ap50 < high
    curves = evaluation.as_json()["curves"]["precision"]
    assert [np.mean(curves[label]) for label in LABELS] == pytest.approx(own, abs=1e-4)
    assert all(np.all(np.diff(curve) <= 0) for curve in curves.values())


def test_what_is_found_missed_and_not_there() -> None:
    there = truth(((0, 0, 10, 10), "cat"), ((20, 20, 40, 40), "dog"), ((50, 0, 60, 10), "cat"))
    said = answer(
        "1.jpg",
        ((1, 0, 10, 10), "cat", 0.9),
        ((0, 0, 10, 9), "cat", 0.8),  # a second time
        ((70, 70, 80, 80), "dog", 0.7),
        ((20, 20, 40, 40), "dog", 0.3),  # not sure enough
    )
    nothing = (truth(), answer("2.jpg"))
    evaluation = evaluate([(there, said), nothing], [BytesSource("1.jpg", b"")] * 2)
    cat, dog = (evaluation.metrics.per_class[label] for label in LABELS)
    assert (cat.objects, cat.found, cat.answers) == (2, 1, 2)
    assert (dog.objects, dog.found, dog.answers) == (1, 0, 1)
    assert (cat.recall, cat.precision, cat.f1) == (0.5, 0.5, 0.5)
    assert [wrong.box for wrong in evaluation.missed] == [Box(20, 20, 40, 40), Box(50, 0, 60, 10)]
    assert [wrong.label for wrong in evaluation.false] == ["cat", "dog"]
    assert [wrong.score for wrong in evaluation.false] == pytest.approx([0.8, 0.7])
    assert evaluation.metrics.counts_right == 1.0  # two cats and a dog, if others
    plain = evaluation.as_json(most=1)
    assert plain["AP50"] == evaluation.metrics.ap50
    assert (plain["missed_count"], plain["false_count"]) == (2, 2)
    assert (len(plain["missed"]), len(plain["false"])) == (1, 1)
    assert plain["curves"] == {
        "recall": [step / 100 for step in range(101)],
        "precision": {"cat": [1] * 51 + [0] * 50, "dog": [0.5] * 101},
    }
    assert plain["per_class"]["dog"]["recall"] == 0


def test_what_is_ignored_counts_neither_way() -> None:
    there = truth(((0, 0, 10, 10), "cat"), ((20, 20, 40, 40), "cat"), ignored=1)
    said = answer("1.jpg", ((0, 0, 10, 10), "cat", 0.9), ((20, 20, 40, 40), "cat", 0.8))
    matches = match(said, there, "cat")
    assert matches.objects.tolist() == [0, IGNORED]
    assert average_precision([matches], 1) == 1.0
    assert match(answer("2.jpg", ((0, 0, 9, 9), "dog", 0.9)), there, "dog").objects.tolist() == [
        NONE
    ]
    metrics = evaluate([(there, said)], [BytesSource("1.jpg", b"")]).metrics
    assert metrics.objects == 1
    assert metrics.ap50 == 1.0
    assert metrics.per_class["cat"].answers == 1
    assert metrics.counts_right == 1.0


def test_a_count_is_wrong_by_an_answer_about_nothing_but_not_by_one_about_a_crowd() -> None:
    there = truth(((0, 0, 10, 10), "cat"), ((0, 20, 400, 220), "cat"), ignored=1)
    one = ((0.0, 0.0, 10.0, 10.0), "cat", 0.8)
    in_crowd = [((30.0 * k, 50.0, 30.0 * k + 20, 150.0), "cat", 0.9) for k in range(3)]
    nowhere = ((300.0, 0.0, 310.0, 10.0), "cat", 0.7)
    for found, right in ((in_crowd, 0.0), ([one, *in_crowd], 1.0), ([one, nowhere], 0.0)):
        answers = [(there, answer("1.jpg", *found))]
        metrics = evaluate(answers, [BytesSource("1.jpg", b"")]).metrics
        assert metrics.counts_right == right


def test_sizes_are_those_that_annotations_say_as_in_coco(tmp_path: Path) -> None:
    """Of an outline, which may be small where its box is of medium size."""
    oracle, judge = package("pycocotools.coco"), package("pycocotools.cocoeval")
    save_pictures(tmp_path)
    record = json.loads(coco())
    for annotation in record["annotations"]:
        annotation |= {"bbox": [2, 2, 35, 34], "iscrowd": 0}
    for annotation, area in zip(record["annotations"], (300, 1190, 900), strict=True):
        annotation["area"] = area
    file = write(tmp_path / "annotations.json", json.dumps(record))
    catalog = read(tmp_path)
    found = [((2.0, 2.0, 37.0, 36.0), "cat", 0.9)], [((2.0, 2.0, 37.0, 30.0), "cat", 0.6)]
    answers = [
        (there, answer(f"{row}.jpg", *own))
        for row, (there, own) in enumerate(zip(truths_of(catalog), (*found, ()), strict=True))
    ]
    metrics = evaluate(answers, [BytesSource("1.jpg", b"")] * 3).metrics
    there = oracle.COCO(str(file))
    results = [
        {"image_id": 7 + row, "category_id": 3, "score": score}
        | {"bbox": [left, top, right - left, bottom - top]}
        for row, own in enumerate(found)
        for (left, top, right, bottom), _, score in own
    ]
    theirs = judge.COCOeval(there, there.loadRes(results), "bbox")
    theirs.evaluate()
    theirs.accumulate()
    theirs.summarize()
    ours = [-1 if value is None else value for value in metrics.coco.values()]
    assert ours == pytest.approx(theirs.stats[:6].tolist(), abs=1e-6)
    assert metrics.coco["AP_small"] not in {None, metrics.coco["AP_medium"]}


def test_what_answers_nothing_is_worth_nothing_only_where_there_is_something() -> None:
    """Neither for a class or a size without objects, nor where all objects are ignored."""

    def metrics_of(there: Truth) -> Any:
        return evaluate([(there, answer("1.jpg"))], [BytesSource("1.jpg", b"")]).metrics

    metrics = metrics_of(truth(((0, 0, 10, 10), "cat"), ((0, 0, 200, 200), "dog"), ignored=1))
    of_sizes = [metrics.coco[f"AP_{size}"] for size in ("small", "medium", "large")]
    assert (metrics.coco["AP"], metrics.coco["AP50"], *of_sizes) == (0, 0, 0, None, None)
    of_classes = [(of.ap, of.ap50) for of in metrics.per_class.values()]
    assert of_classes == [(0, 0), (None, None)]
    ignored = metrics_of(truth(((0, 0, 10, 10), "cat"), ignored=1))
    assert set(ignored.coco.values()) == {None}
    assert ignored.per_class["cat"].ap is None
    assert set(metrics_of(truth()).coco.values()) == {None}


def test_a_rule_that_does_not_fit_is_refused() -> None:
    assert read_rule({"thresholds": [0.2, 0.3]}, LABELS).thresholds == (0.2, 0.3)
    with pytest.raises(ConvlensError, match="threshold for each class"):
        read_rule({"thresholds": [0.2]}, LABELS)


def test_who_is_in_a_crowd_counts_neither_way_as_in_coco() -> None:
    """A sure answer within it, though far smaller than the crowd."""
    there = truth(((0, 0, 10, 10), "cat"), ((0, 20, 400, 220), "cat"), ignored=1)
    said = answer("1.jpg", ((0, 0, 10, 10), "cat", 0.8), ((30, 50, 80, 150), "cat", 0.9))
    matches = match(said, there, "cat")
    assert sorted(matches.objects.tolist()) == [IGNORED, 0]
    metrics = evaluate([(there, said)], [BytesSource("1.jpg", b"")]).metrics
    assert metrics.ap50 == metrics.per_class["cat"].ap50 == 1.0
    assert metrics.per_class["cat"].precision == 1.0
