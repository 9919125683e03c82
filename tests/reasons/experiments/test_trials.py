"""What small networks are trained on."""

import numpy as np

from convlens.dataset.examples import Examples
from convlens.reasons.experiments.trials import drawn


def test_draws_are_even_and_nested() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    examples = Examples(np.zeros((40, 4, 4, 3), np.uint8), np.arange(40), labels=labels, classes=2)
    small, large = drawn(examples, 8, seed=1), drawn(examples, 24, seed=1)
    assert np.bincount(small.labels).tolist() == [4, 4]
    assert np.bincount(large.labels).tolist() == [14, 10]
    assert set(small.rows) <= set(large.rows)
