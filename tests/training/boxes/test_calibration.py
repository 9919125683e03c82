"""From which score on boxes are answers, and how sure scores are, of answers made by hand."""

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import precision_recall_curve

from convlens.tasks.boxes.matching import Truth
from convlens.tasks.boxes.prediction import BoxPrediction
from convlens.tasks.boxes.rule import USUAL
from convlens.training.boxes.calibration import FEWEST, Calibration, fit_calibration, fit_rule

CLASSES = ("cat", "dog")
BOX = [[0, 0, 10, 10]]

Answers = list[tuple[Truth, BoxPrediction]]


def picture(
    score: float | None, there: bool, *, label: str = "cat", ignored: bool = False
) -> tuple[Truth, BoxPrediction]:
    """A picture with an object or none, and an answer of this score or none in its place."""
    boxes, labels, marks = (BOX, (label,), [ignored]) if there else ([], (), [])
    scores = [] if score is None else [score]
    prediction = BoxPrediction(
        "1.jpg",
        labels=CLASSES,
        boxes=np.array(BOX * len(scores), np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        classes=np.full(len(scores), CLASSES.index(label)),
    )
    truth = Truth(np.array(boxes, float).reshape(-1, 4), labels, np.array(marks, bool))
    return truth, prediction


def drawn(count: int, *, slope: float, shift: float) -> Answers:
    """So many answers of any score, right as often as the calibrated one says."""
    random = np.random.default_rng(0)
    scores = random.uniform(0.02, 0.98, count)
    right = random.random(count) < Calibration(slope, shift)(scores)
    return [picture(*one) for one in zip(scores.tolist(), right.tolist(), strict=True)]


FOUR: Answers = [
    picture(0.6, True),
    picture(0.8, True),
    picture(0.5, False),
    picture(0.9, True),
    picture(0.7, False),
    picture(None, True),
]
"""Four objects: the answers, the surest first, are right, right, wrong, right and wrong."""


@pytest.mark.parametrize(
    ("recall", "precision", "threshold"),
    [
        (None, None, 0.55),  # F1 is 2/5, 4/6, 4/7, 6/8 and 6/9
        (0.25, None, 0.85),
        (0.5, None, 0.75),
        (0.51, None, 0.55),
        (0.75, None, 0.55),
        (0.9, None, 0.25),  # which no score reaches: all answers are given
        (None, 0.6, 0.25),
        (None, 0.75, 0.55),  # though of the three surest fewer are right
        (None, 0.76, 0.75),
        (None, 1.0, 0.75),
    ],
)
def test_a_threshold_is_halfway_between_the_last_answer_and_the_next(
    recall: float | None, precision: float | None, threshold: float
) -> None:
    rule = fit_rule(
        FOUR,
        CLASSES,
        recall={} if recall is None else {"cat": recall},
        precision={} if precision is None else {"cat": precision},
    )
    assert rule.thresholds == pytest.approx((threshold, USUAL))
    assert rule.why == "by 6 held-out pictures"


def test_a_precision_that_is_never_reached_leaves_the_surest_answer() -> None:
    answers = [picture(0.9, False), picture(0.5, True)]
    rule = fit_rule(answers, CLASSES, recall={}, precision={"cat": 0.9})
    assert rule.thresholds[0] == pytest.approx(0.7)


def test_each_class_has_a_threshold_of_its_own() -> None:
    dogs = [picture(0.3, True, label="dog"), picture(0.1, False, label="dog")]
    rule = fit_rule([*FOUR, *dogs], CLASSES, recall={"cat": 0.5}, precision={"dog": 1.0})
    assert rule.thresholds == pytest.approx((0.75, 0.2))


def test_crowds_and_answers_about_them_choose_nothing() -> None:
    crowds = [picture(0.95, True, ignored=True), picture(None, True, ignored=True)]
    rule = fit_rule([*crowds, *FOUR], CLASSES, recall={"cat": 0.5}, precision={})
    assert rule.thresholds[0] == pytest.approx(0.75)


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [picture(0.9, False)],  # no object
        [picture(None, True)],  # no answer
        [picture(0.9, False), picture(None, True)],  # none that is right
    ],
    ids=["no pictures", "no objects", "no answers", "nothing found"],
)
def test_where_nothing_is_known_the_usual_is_taken(answers: Answers) -> None:
    for shares in ({}, {"cat": 0.9}):
        rule = fit_rule(answers, CLASSES, recall=shares, precision={})
        assert rule.thresholds == (USUAL, USUAL)


def test_thresholds_are_those_of_scikit_learns_curve() -> None:
    """Of many answers, where each object has one, so that its recall is ours."""
    answers = drawn(500, slope=1.0, shift=0.0)
    scores, right = scores_of(answers)
    precision, recall, thresholds = precision_recall_curve(right, scores)
    precision, recall = precision[:-1], recall[:-1]
    f1 = 2 * precision * recall / (precision + recall)
    shares: tuple[tuple[dict[str, dict[str, float]], float], ...] = (
        ({}, thresholds[f1.argmax()]),
        ({"recall": {"cat": 0.9}}, thresholds[recall >= 0.9].max()),
        ({"precision": {"cat": 0.8}}, thresholds[precision >= 0.8].min()),
    )
    for ours, theirs in shares:
        rule = fit_rule(answers, CLASSES, **{"recall": {}, "precision": {}, **ours})
        assert np.array_equal(scores >= rule.thresholds[0], scores >= theirs)


def scores_of(answers: Answers) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    scores = [prediction.scores[0] for _, prediction in answers if prediction.scores is not None]
    return np.array(scores, float), np.array([len(truth.labels) > 0 for truth, _ in answers])


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.5, -1.0), (2.0, 1.0)])
def test_calibrated_scores_are_as_sure_as_they_are_right(slope: float, shift: float) -> None:
    answers = drawn(5000, slope=slope, shift=shift)
    calibration = fit_calibration(answers)
    assert (calibration.slope, calibration.shift) == pytest.approx((slope, shift), abs=0.15)
    scores, right = scores_of(answers)
    assert calibration(scores).mean() == pytest.approx(right.mean(), abs=0.001)


def test_scores_stay_where_too_little_is_known_or_the_sure_are_wrong() -> None:
    assert fit_calibration([]) == Calibration()
    few = [picture(0.9, True)] * (FEWEST - 1) + [picture(0.2, False)] * 100
    assert fit_calibration(few) == Calibration()
    assert fit_calibration([*few, picture(0.9, True)]) != Calibration()
    upside_down = [picture(0.1, True)] * 20 + [picture(0.9, False)] * 20
    assert fit_calibration(upside_down) == Calibration()


def test_a_calibration_without_effect_leaves_scores_and_any_keeps_their_order() -> None:
    scores = np.array([0.0, 0.01, 0.3, 0.5, 0.99, 1.0])
    assert Calibration()(scores) == pytest.approx(scores, abs=1e-5)
    assert np.all(np.diff(Calibration(0.3, -2.0)(scores)) > 0)


def test_a_share_that_is_met_to_the_object_is_enough() -> None:
    """25 × 0.56 is a little more than 14 in floating point."""
    answers = [picture(0.99 - number / 100, True) for number in range(25)]
    rule = fit_rule(answers, CLASSES, recall={"cat": 0.56}, precision={})
    kept = sum(0.99 - number / 100 >= rule.thresholds[0] for number in range(25))
    assert kept == 14
