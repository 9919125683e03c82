"""Learning curves: their ratio, their controls."""

import numpy as np
import pytest

from convlens.dataset.examples import Examples
from convlens.reasons.experiments.learning import measure as learning
from convlens.reasons.experiments.learning.results import LESS, MORE, examples_ratio


def test_how_many_times_the_examples() -> None:
    def curve(*accuracies: float) -> dict[int, float]:
        return {25 * 2**k: accuracy for k, accuracy in enumerate(accuracies)}

    conv, dense = curve(0.6, 0.7, 0.8, 0.9), curve(0.5, 0.55, 0.6, 0.7)
    ratio, more = examples_ratio(conv, dense)
    assert (round(ratio, 9), more) == (4, "")
    ratio, more = examples_ratio(curve(0.8, 0.8, 0.8, 0.8), dense)
    assert (round(ratio, 9), more) == (8, MORE)
    never = examples_ratio(curve(0.5, 0.55, 0.58, 0.6), curve(0.6, 0.65, 0.7, 0.9))
    assert never == (1, LESS)
    halfway, _ = examples_ratio(conv, curve(0.5, 0.5, 0.5, 0.75))
    assert halfway == pytest.approx(200 / (50 * 2**0.5))


def test_controls_do_what_they_say() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3)).astype(np.uint8)
    examples = Examples(pixels, np.array([1, 3, 5]), labels=np.array([0, 1, 0]), classes=2)
    mixed = learning.permuted(examples, 3)
    same = learning.permuted(examples, 3)
    assert np.array_equal(mixed.pixels, same.pixels)
    flat, before = (p.reshape(3, 16, 3) for p in (mixed.pixels, pixels[[1, 3, 5]]))
    order = [int(np.where((before[0] == cell).all(1))[0][0]) for cell in flat[0]]
    assert sorted(order) == list(range(16))
    assert np.array_equal(flat, before[:, order])
