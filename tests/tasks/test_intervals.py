"""Intervals and tests, against scipy's."""

import pytest
from scipy.stats import binom, binomtest

from convlens.tasks.intervals import binomial_tail, wilson

COUNTS = [(0, 10), (3, 3), (1, 3), (105, 164), (9_000, 10_000), (1, 100_000)]


@pytest.mark.parametrize(("correct", "n"), COUNTS)
def test_they_are_those_of_scipy(correct: int, n: int) -> None:
    interval = binomtest(correct, n).proportion_ci(0.95, "wilson")
    assert wilson(correct, n) == pytest.approx((interval.low, interval.high), abs=1e-9)
    for share in (0.01, 0.5, 0.9, 1.0):
        wanted = binom.cdf(correct, n, share)
        assert binomial_tail(correct, n, share=share) == pytest.approx(wanted, rel=1e-7, abs=1e-12)


def test_of_nothing_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
