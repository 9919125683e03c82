"""Sharing: one filter slides over the whole picture."""

import numpy as np
from scipy import signal

from convlens.reasons import sharing


def test_the_filter_slides_as_scipys_does() -> None:
    example = sharing.lecture_example()
    assert example["answer"] == [[0, 30, 30, 0]] * 4
    assert (example["parameters"], example["outputs"], example["inputs"]) == (9, 16, 36)
    random = np.random.default_rng(0)
    for shape, kernel in (((6, 6), (3, 3)), ((20, 31), (5, 2))):
        picture, weights = random.normal(size=shape), random.normal(size=kernel)
        wanted = signal.correlate2d(picture, weights, "valid")
        assert np.allclose(sharing.correlate(picture, weights), wanted)
    pixels = random.integers(0, 256, (12, 15, 3)).astype(np.uint8)
    wanted = signal.correlate2d(pixels.mean(2) / 255, sharing.HORIZONTAL, "valid")
    assert np.allclose(sharing.edges(pixels)["horizontal"], wanted)
