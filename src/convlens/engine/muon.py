"""Muon: every direction of a bank of filters moves alike."""

from collections.abc import Iterable
from typing import Any

import torch
from timm.optim import muon as timms
from torch import Tensor

STEPS = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)
"""Coefficients of the iteration of Newton and Schulz, as timm has them (`quintic`)."""
LEAST, LONGEST = 4, 128
"""Banks with fewer rows or columns, or so much longer than wide, have few directions to move in."""
SMALLEST = 1e-7
"""No gradient is divided by a length below this."""


class Muon(timms.Muon):  # type: ignore[misc]
    """timm's Muon (Jordan 2024) with another `orthogonal`.

    timm's computes in bfloat16: without instructions for it, that takes far longer than the rest
    of a step, and with them about as long as this one in float32. Vectors and the like are moved
    by timm's NAdamW.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], rate: float) -> None:
        super().__init__(groups, rate, nesterov=True)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update; gradients of banks are given up."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and is_bank(parameter):
                    self._move(parameter, group)
                    parameter.grad = None
        super().step(closure)

    def _move(self, bank: Tensor, group: dict[str, Any]) -> None:
        state = self.state[bank]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(bank)
        assert bank.grad is not None  # noqa: S101
        average, momentum = state["momentum_buffer"], group["momentum"]
        average.lerp_(bank.grad, 1 - momentum)
        update = orthogonal(_rows(bank.grad.lerp(average, momentum)))
        rate = group["lr"] * timms.get_lr_scale(update.shape, group["adjust_lr_fn"])
        bank.mul_(1 - group["lr"] * group["weight_decay"])
        _rows(bank).add_(update, alpha=-rate)


def is_bank(parameter: Tensor) -> bool:
    """Whether Muon moves it: filters, or a dense layer, that read several channels."""
    if parameter.ndim < 2 or 1 in parameter.shape[:2]:
        return False
    least, most = sorted((len(parameter), parameter[0].numel()))
    return least >= LEAST and most <= LONGEST * least


def orthogonal(x_MN: Tensor) -> Tensor:
    """A matrix with the same singular vectors and singular values about one.

    The polynomials of Newton and Schulz's iteration are worked out for the smaller square of
    products of rows, and come back to the matrix once at the end: two large products instead of
    ten. That takes float32, as squares of singular values need the digits.
    """
    x = x_MN if len(x_MN) <= x_MN.shape[1] else x_MN.T
    length = x.norm().clamp(min=SMALLEST)
    square = (x @ x.T) / length**2
    whole = step = _polynomial(square, *STEPS[0])
    for coefficients in STEPS[1:]:
        square = step @ square @ step
        step = _polynomial(square, *coefficients)
        whole = whole @ step
    result: Tensor = (whole / length) @ x
    return result if x is x_MN else result.T


def _polynomial(x: Tensor, a: float, b: float, c: float) -> Tensor:
    """a + b x + c x² of a square matrix."""
    polynomial = torch.addmm(x, x, x, beta=b, alpha=c)
    polynomial.diagonal().add_(a)
    return polynomial


def _rows(bank: Tensor) -> Tensor:
    """A row for each filter, in the order that memory has: a view."""
    last = bank.ndim == 4 and bank.is_contiguous(memory_format=torch.channels_last)
    return (bank.movedim(1, -1) if last else bank).flatten(1)
