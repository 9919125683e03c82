"""Calibration: one number that makes probabilities as sure as they are right (Guo et al. 2017)."""

from math import exp

from torch import Tensor
from torch.nn import functional

PRIOR = 0.5
"""Deviation of the logarithm of a temperature before any picture was seen: few pictures, all of
them right, must not make a detector as good as certain."""
WIDEST = 3.0
"""Largest logarithm of a temperature, up or down."""


def fit_temperature(logits_NK: Tensor, labels_N: Tensor) -> float:
    """What to divide logits by for the lowest cross-entropy on these pictures; 1 without any."""
    from scipy.optimize import minimize_scalar

    logits, labels = logits_NK.double(), labels_N

    def loss(power: float) -> float:
        total = functional.cross_entropy(logits * exp(-power), labels, reduction="sum")
        return total.item() + (power / PRIOR) ** 2 / 2

    minimum = minimize_scalar(
        loss, bounds=(-WIDEST, WIDEST), method="bounded", options={"xatol": 1e-6}
    )
    return exp(minimum.x)
