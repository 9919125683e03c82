"""Calibration: one number that makes probabilities as sure as they are right (Guo et al. 2017)."""

from math import exp

from torch import Tensor
from torch.nn import functional

PRIOR = 0.5
"""Deviation of the logarithm of a temperature before any picture was seen: few pictures, all of
them right, must not make a detector as good as certain."""
WIDEST, TURNS = 3.0, 40
_GOLDEN = (5**0.5 - 1) / 2


def fit_temperature(logits_NK: Tensor, labels_N: Tensor) -> float:
    """What to divide logits by for the lowest cross-entropy on these pictures; 1 without any.

    Golden-section search over its logarithm.
    """
    logits, labels = logits_NK.double(), labels_N

    def cost(power: float) -> float:
        total = functional.cross_entropy(logits * exp(-power), labels, reduction="sum")
        return total.item() + (power / PRIOR) ** 2 / 2

    low, high = -WIDEST, WIDEST
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(TURNS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(right)
    return exp((low + high) / 2)


def calibrated_costs(logits_NK: Tensor, labels_N: Tensor) -> Tensor:
    """The cross-entropy [N] of each picture, at the temperature that suits them best."""
    logits = logits_NK / fit_temperature(logits_NK, labels_N)
    return functional.cross_entropy(logits, labels_N, reduction="none")
