"""Labels that are probably wrong: the planted ones, and none without reason."""

import warnings

import numpy as np

from convlens.tasks.classification.label_errors import find_label_errors


def test_label_errors_are_the_planted_ones() -> None:
    random = np.random.default_rng(0)
    true = random.integers(0, 3, 600)
    p = np.full((600, 3), 0.04)
    p[np.arange(600), true] = 0.92
    labels = true.copy()
    labels[:20] = (labels[:20] + 1) % 3
    assert set(find_label_errors(labels, p).tolist()) == set(range(20))
    assert len(find_label_errors(true, p)) == 0
    assert len(find_label_errors(np.zeros(600, np.int64), p)) == 0  # two classes have no picture


def test_classes_of_few_pictures_are_no_reason_to_warn_of_each() -> None:
    labels = np.array([0, 0, 0, 1, 2, 2, 2])
    p = np.full((7, 3), 0.05)
    p[np.arange(7), [0, 0, 1, 1, 2, 2, 0]] = 0.9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_label_errors(labels, p)
