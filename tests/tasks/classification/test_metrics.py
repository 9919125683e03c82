"""Figures against scikit-learn's."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from convlens.tasks.classification.evaluation import MOST_CLASSES, evaluate, summary
from convlens.tasks.classification.metrics import calibration_error, compute_metrics
from convlens.tasks.classification.prediction import predict
from convlens.tasks.classification.rules.fit_rule import balance_rule
from convlens.tasks.classification.rules.rule import Rule
from convlens.tasks.shown import Grid


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.integers(1, 80), st.integers(0, 10_000))
def test_against_scikit_learn(classes: int, n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, n)
    p = random.dirichlet(np.ones(classes) * 0.5, n).astype(np.float32)
    predicted = p.argmax(1)
    labels = tuple(f"c{k}" for k in range(classes))
    got = compute_metrics(labels, true, probabilities_NK=p)
    every = list(range(classes))
    assert got.n == n
    assert got.accuracy == metrics.accuracy_score(true, predicted)
    assert np.array_equal(got.confusion, metrics.confusion_matrix(true, predicted, labels=every))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        true, predicted, labels=every, zero_division=0
    )
    for k, label in enumerate(labels):
        one = got.per_class[label]
        assert (one.precision, one.recall, one.f1) == pytest.approx(
            (precision[k], recall[k], f1[k])
        )
        assert one.support == support[k]
    present = sorted(set(true.tolist()))
    assert got.balanced_accuracy == pytest.approx(
        metrics.recall_score(true, predicted, labels=present, average="macro", zero_division=0)
    )
    assert got.cost == pytest.approx(metrics.log_loss(true, p, labels=every), rel=1e-4)
    assert got.majority_baseline == np.bincount(true).max() / n


def test_calibration_error_of_a_known_case() -> None:
    confidence = np.array([0.9, 0.9, 0.6, 0.6], np.float32)
    correct = np.array([True, False, True, True])
    # the two bins are off by |0.5 - 0.9| and |1 - 0.6|, each with half of the pictures
    assert calibration_error(correct, confidence) == pytest.approx(0.4, abs=1e-6)


def test_of_many_classes_what_is_written_grows_with_them_and_not_with_their_square() -> None:
    def written(classes: int) -> int:
        random = np.random.default_rng(0)
        true = np.arange(classes).repeat(3)
        p = random.dirichlet(np.ones(classes), len(true)).astype(np.float32)
        labels = tuple(f"class-{k:04}" for k in range(classes))
        rule = balance_rule(np.arange(1, classes + 1))
        parts = (compute_metrics(labels, true, probabilities_NK=p), rule)
        return sum(len(json.dumps(part.as_json())) for part in parts)

    assert written(400) < 2.5 * written(200)


def test_the_confusion_matrix_is_written_by_name() -> None:
    p = np.eye(3, dtype=np.float32)[[0, 1, 1, 2]]
    metrics = compute_metrics(("a", "b", "c"), np.array([0, 0, 1, 2]), probabilities_NK=p)
    assert metrics.confusion == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert metrics.as_json()["confusion"] == {"a": {"a": 1, "b": 1}, "b": {"b": 1}, "c": {"c": 1}}


def test_of_many_classes_a_terminal_shows_those_of_which_least_is_found() -> None:
    labels = tuple(f"class-{k:04}" for k in range(60))
    true = np.arange(60).repeat(2)
    predicted = np.where(true < 5, (true + 1) % 60, true)
    answers = [
        (labels[t], predict("x.png", [np.eye(60)[k]], classes=labels, rule=Rule()))
        for t, k in zip(true, predicted, strict=True)
    ]
    sources: Any = [None] * len(answers)
    (table,) = (
        part for part in summary(evaluate(answers, sources), rule=Rule()) if isinstance(part, Grid)
    )
    assert [row[0] for row in table.rows[:5]] == list(labels[:5])
    assert len(table.rows) == MOST_CLASSES
