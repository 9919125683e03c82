"""Shifts of pictures, and answers that are known."""

from typing import Any

import numpy as np
import pytest

from convlens.reasons.experiments.translation.invariance import agreement, invariance, shifted


def test_shifted_pictures_are_rolled_ones_inside() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3)).astype(np.uint8)
    assert np.array_equal(shifted(pictures, 0, right=0), pictures)
    for down, right in ((3, 0), (-2, 5), (1, -1)):
        got = shifted(pictures, down, right=right)
        wanted = np.roll(pictures, (down, right), (1, 2))
        inside = (slice(None), slice(5, -5), slice(5, -5))
        assert np.array_equal(got[inside], wanted[inside])
        assert got.shape == pictures.shape


def test_invariance_of_answers_that_are_known() -> None:
    pictures = np.zeros((4, 16, 16, 3), np.uint8)
    pictures[:2, 8, 8] = 255  # a dot that a shift to the right by two moves out of the column

    def bright(batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        share = (batch[:, :, 7:10] > 0).any((1, 2, 3)).astype(float)
        return np.stack((share, 1 - share), 1)

    found = invariance(bright, pictures, shifts=(1, 2))
    assert found.kept[1] == 1
    # two pictures never change; the others do in all but the two vertical directions
    assert found.kept[2] == pytest.approx((2 + 2 * 2 / 8) / 4)
    assert found.change[2] == pytest.approx(2 * (6 / 8) / 4)
    labels = np.array([[0, 0, 1], [1, 1, 1]])
    assert agreement(labels) == pytest.approx((1 / 3 + 1) / 2)
