"""From probabilities to answers: what was asked for comes true on pictures not seen before."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score

from convlens import Detector, train
from convlens.cli import main
from convlens.errors import ConvlensError, UsageError
from convlens.options import AnswerOptions, options_from
from convlens.tasks.classification.metrics import compute_metrics, mean_recall_interval
from convlens.tasks.classification.rules.fit_rule import (
    balance_rule,
    check_answers,
    cost_rule,
    coverage_rule,
    make_rule,
    recall_rule,
)
from convlens.tasks.classification.rules.rule import MOST_PROBABLE, Rule, read_rule
from helpers import SMALL

LABELS = ("a", "b", "c")


def drawn(n: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """True classes and calibrated probabilities of three classes."""
    random = np.random.default_rng(seed)
    p = random.dirichlet((0.5, 0.4, 0.3), n)
    true = (p.cumsum(1) > random.random((n, 1))).argmax(1)
    return true, p.astype(np.float32)


def sample(n: int, seed: int) -> dict[str, Any]:
    """The same by the names of `recall_rule`'s arguments."""
    true, p = drawn(n, seed)
    return {"true_N": true, "probabilities_NK": p}


def test_the_share_of_answers_is_the_one_asked_for() -> None:
    covered = []
    for seed in range(200):
        rule = coverage_rule(0.8, drawn(150, 2 * seed)[1])
        covered.append((rule.predict(drawn(300, 2 * seed + 1)[1]) >= 0).mean())
    assert np.mean(covered) == pytest.approx(0.8, abs=0.015)


def test_the_recall_is_the_one_asked_for_on_average() -> None:
    found = []
    for seed in range(300):
        rule = recall_rule("b", 0.95, labels=LABELS, **sample(150, 2 * seed))
        true, p = drawn(300, 2 * seed + 1)
        found.append(recall_score(true, rule.predict(p), labels=[1], average=None)[0])
    assert 0.945 <= np.mean(found) <= 0.975


def test_costs_decide_by_their_expectation() -> None:
    costs = {("a", "b"): 5.0, ("c", "a"): 0.2}
    rule = cost_rule(costs, LABELS)
    _, p = drawn(100, 0)
    for row, predicted_k in zip(p, rule.predict(p), strict=True):
        expected = [
            sum(
                row[t] * (costs.get((true, predicted), 1.0) if true != predicted else 0.0)
                for t, true in enumerate(LABELS)
            )
            for predicted in LABELS
        ]
        assert predicted_k == int(np.argmin(expected))


def test_balance_is_the_highest_mean_recall() -> None:
    random = np.random.default_rng(0)
    true = (random.random(20_000) < 0.05).astype(np.int64)
    x = random.normal(size=20_000) + 2 * true
    odds = 0.05 / 0.95 * np.exp(2 * x - 2)  # the exact posterior
    p = np.stack((1 / (1 + odds), odds / (1 + odds)), 1).astype(np.float32)
    rule = balance_rule(np.array([950, 50]))
    got = balanced_accuracy_score(true, rule.predict(p))
    best = max(balanced_accuracy_score(true, x > cut) for cut in np.linspace(-1, 3, 81))
    assert got == pytest.approx(best, abs=0.005)
    assert got > balanced_accuracy_score(true, p.argmax(1)) + 0.1


def test_a_class_without_training_pictures_is_never_the_answer() -> None:
    learnt_K, (true, p) = np.array([60, 0, 40]), drawn(300, 0)
    for counts in (learnt_K, np.array([600, 0, 40])):
        assert 1 not in balance_rule(counts).predict(p)
    assert balance_rule(np.array([0, 1, 1])).predict(np.array([[1, 0, 0]], np.float32)) == 1
    assert balance_rule(learnt_K).predict(np.array([[0, 1, 0]], np.float32)) != 1
    rule = make_rule(
        AnswerOptions(), LABELS, true_N=true, probabilities_NK=p, learnt_K=learnt_K
    )  # the others are equal enough
    assert rule == Rule()


def test_recall_of_a_class_that_no_picture_of_a_fold_is_of_leaves_a_rule() -> None:
    true, p = drawn(30, 0)
    rows = true != 1
    assert (
        recall_rule("b", 0.9, labels=LABELS, true_N=true[rows], probabilities_NK=p[rows]) == Rule()
    )


def test_unequal_classes_count_alike_unless_told() -> None:
    learnt = np.array([950, 50])
    true, p = np.zeros(3, np.int64), np.full((3, 2), 0.5, np.float32)
    for options, objective in (
        (AnswerOptions(), "balance"),
        (AnswerOptions(balance="off"), ""),
        (AnswerOptions(coverage=0.9), "coverage 0.9"),
    ):
        assert (
            make_rule(
                options, ("a", "b"), true_N=true, probabilities_NK=p, learnt_K=learnt
            ).objective
            == objective
        )
    assert (
        make_rule(
            AnswerOptions(),
            ("a", "b"),
            true_N=true,
            probabilities_NK=p,
            learnt_K=np.array([60, 40]),
        ).objective
        == ""
    )


@pytest.mark.parametrize("truth", [(0.9, 0.6), (0.99, 0.8)])
def test_the_interval_of_the_mean_recall_covers_the_truth(truth: tuple[float, float]) -> None:
    random = np.random.default_rng(0)
    support = np.array([190, 20])
    covered = 0
    for _ in range(400):
        low, high = mean_recall_interval(random.binomial(support, truth), support)
        covered += int(low <= np.mean(truth) <= high)
    assert 0.92 <= covered / 400 <= 0.98


def test_without_an_objective_the_most_probable_class_is_the_answer() -> None:
    true, p = drawn(100, 0)
    assert np.array_equal(Rule().predict(p), p.argmax(1))
    assert compute_metrics(LABELS, true, probabilities_NK=p).coverage == 1


def test_figures_are_of_the_answers() -> None:
    true, p = drawn(500, 3)
    rule = coverage_rule(0.6, p)
    metrics = compute_metrics(LABELS, true, probabilities_NK=p, predicted_N=rule.predict(p))
    answered = p.max(1) >= rule.unsure_below
    assert metrics.coverage == answered.mean()
    assert metrics.accuracy == (p.argmax(1) == true)[answered].mean()
    assert sum(map(sum, metrics.confusion)) == answered.sum()
    curve = np.array(metrics.coverage_curve)
    assert curve[-1, :2].tolist() == [1.0, (p.argmax(1) == true).mean()]
    assert curve[11, :2] == pytest.approx([0.6, metrics.accuracy], abs=0.005)
    assert (np.diff(curve[:, 2]) <= 0).all()


@pytest.mark.parametrize(
    "rule",
    [
        Rule(),
        coverage_rule(0.5, drawn(9, 0)[1]),
        recall_rule("a", 0.9, labels=LABELS, **sample(9, 0)),
        cost_rule({("a", "b"): 3}, LABELS),
        balance_rule(np.array([1, 0, 7])),
    ],
)
def test_a_rule_comes_back_from_the_file(rule: Rule) -> None:
    assert read_rule(json.loads(json.dumps(rule.as_json())), LABELS) == rule


@pytest.mark.parametrize(
    "found",
    [{}, {"costs": [[0]]}, {"costs": [[0, 3, 1]]}, {"weights": [1]}, {"predicted_from": [7, 0.1]}],
)
def test_a_damaged_rule_is_refused(found: dict[str, Any]) -> None:
    with pytest.raises(ConvlensError, match="rule for answers"):
        read_rule({**Rule().as_json(), **found} if found else found, LABELS)


@pytest.mark.trains
def test_a_detector_says_that_it_is_unsure(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = train(shapes, tmp_path / "run", epochs=4, coverage=0.5, **SMALL)
    test = done.metrics["test"]
    assert 0.1 < test["coverage"] < 0.9
    detector = Detector(done.detector)
    assert detector.rule.objective == "coverage 0.5"
    again = detector.evaluate(done.folder / "manifest.csv")
    assert (again.metrics.coverage, again.metrics.accuracy) == (test["coverage"], test["accuracy"])
    names = {answer.predicted for _, answer in again.answers}
    assert "unsure" in names
    unsure = next(answer for _, answer in again.answers if answer.predicted == "unsure")
    assert main(["predict", str(done.detector), unsure.name]) == 0
    assert capsys.readouterr().out.startswith("unsure")
    assert main(["predict", str(done.detector), unsure.name, "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["predicted"] == "unsure"
    assert one["probability"] == max(one["probabilities"].values())


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"recall": "disc"}, "it is LABEL=SHARE"),
        ({"recall": "disk=0.9"}, "there is no class 'disk'; there are 'cross', 'disc', 'ring'"),
        ({"recall": "disc=1.0"}, "it is LABEL=SHARE"),
        ({"recall": "ring=0.9"}, "no validation picture is of class 'ring'"),
        ({"costs": "disc=3"}, "each is TRUE>PREDICTED=COST"),
        ({"costs": "disc>disc=3"}, "is no mistake"),
        ({"costs": "disc>cross=3..1"}, "is no number"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_training(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ConvlensError, match=says):
        check_answers(
            AnswerOptions(**values), ("cross", "disc", "ring"), held_out={"cross", "disc"}
        )


def test_one_objective_at_a_time() -> None:
    with pytest.raises(UsageError, match="one of --coverage, --recall and --costs"):
        options_from({"coverage": 0.9, "recall": "a=0.9"})
    with pytest.raises(UsageError, match="hold some out"):
        check_answers(AnswerOptions(coverage=0.9), LABELS, held_out=())


@pytest.mark.parametrize("labels", [("cat, tabby", "dog"), ("dog", "a>b=2"), ("a", "a,a>a=3,a")])
def test_costs_name_classes_whatever_their_letters(labels: tuple[str, str]) -> None:
    first, second = labels
    options = AnswerOptions(costs=f"{first}>{second}=5, {second}>{first}=0.5")
    check_answers(options, labels, held_out=("a",))
    rule = make_rule(
        options,
        labels,
        true_N=np.zeros(1, np.int64),
        probabilities_NK=np.full((1, 2), 0.5, np.float32),
        learnt_K=np.array([1, 1]),
    )
    assert rule.costs == ((0, 1, 5), (1, 0, 0.5))


@pytest.mark.parametrize("costs", ["", "a>b", "a>b=1,,", "a>x=1", "a>b=1;b>a=2", "a>a=1"])
def test_costs_that_cannot_be_are_refused(costs: str) -> None:
    with pytest.raises(ConvlensError, match=r"costs|no class"):
        check_answers(AnswerOptions(costs=costs), ("a", "b"), held_out=("a",))


def test_a_class_called_unsure_and_coverage_do_not_go_together() -> None:
    with pytest.raises(UsageError, match="another name"):
        check_answers(AnswerOptions(coverage=0.9), ("sure", "unsure"), held_out=("a",))
    check_answers(AnswerOptions(), ("sure", "unsure"), held_out=("a",))


@pytest.mark.parametrize("hits", [(20, 30), (0, 0), (1, 30)])
def test_the_interval_of_balanced_accuracy_holds_the_figure_itself(hits: tuple[int, int]) -> None:
    support = np.array([20, 30])
    low, high = mean_recall_interval(np.array(hits), support)
    assert low <= (np.array(hits) / support).mean() <= high
    assert high - low > 0.02


def test_of_no_pictures_no_share_is_left_out() -> None:
    assert coverage_rule(0.9, np.zeros((0, 3), np.float32)) == MOST_PROBABLE
