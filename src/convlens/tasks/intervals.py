"""Intervals and tests for what was counted."""

from math import comb, log, sqrt

import numpy as np

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson(correct: int, n: int, *, z: float = Z95) -> tuple[float, float]:
    """Interval for a proportion, 95 % by default (Wilson 1927); (0, 1) where n is 0."""
    if n == 0:
        return (0.0, 1.0)
    share = correct / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (max(0.0, middle - half), min(1.0, middle + half))


def binomial_tail(correct: int, n: int, *, share: float) -> float:
    """Probability of so many right of n, or fewer, where each is right with this probability.

    `share` is above 0; where it is 1, that is 1 if all are right, and else 0.
    """
    if share == 1:
        return float(correct == n)
    k = np.arange(1, correct + 1)
    ways = np.concatenate(([0.0], np.log((n - k + 1) / k).cumsum()))  # of choosing 0, 1, 2, …
    k = np.arange(correct + 1)
    return float(np.exp(ways + k * log(share) + (n - k) * log(1 - share)).sum())


def mcnemar(only_one: int, only_other: int) -> float:
    """Two-sided exact p that two detectors are equally good (McNemar 1947), by the binomial."""
    n = only_one + only_other
    tail = sum(comb(n, k) for k in range(min(only_one, only_other) + 1))
    return float(min(1.0, 2 * tail / 2**n))
