"""Intervals for what was counted."""

from math import sqrt

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
