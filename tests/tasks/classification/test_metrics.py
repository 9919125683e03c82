"""Figures against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from convlens.tasks.classification.metrics import calibration_error, compute_metrics
from convlens.tasks.intervals import wilson


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


def test_wilson_against_scipy() -> None:
    from scipy.stats import binomtest

    for correct, n in ((0, 10), (9, 10), (50, 50), (180, 200), (1, 3)):
        wanted = binomtest(correct, n).proportion_ci(method="wilson")
        assert wilson(correct, n) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert wilson(0, 0) == (0.0, 1.0)


def test_calibration_error_of_a_known_case() -> None:
    confidence = np.array([0.9, 0.9, 0.6, 0.6], np.float32)
    correct = np.array([True, False, True, True])
    # the two bins are off by |0.5 - 0.9| and |1 - 0.6|, each with half of the pictures
    assert calibration_error(correct, confidence) == pytest.approx(0.4, abs=1e-6)
