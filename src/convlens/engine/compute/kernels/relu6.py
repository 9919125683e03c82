"""ReLU6 in the place of its input, without a copy of it."""

from typing import Any

import torch
from torch import Tensor, nn

from .replacement import Module, replace_layers


class _InPlace(torch.autograd.Function):
    """torch's own, in place, keeps a copy of what was there for the backward pass.

    What it leaves there tells as well where the slope is 1, and the next layer keeps that anyway.
    """

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        x.clamp_(0, 6)
        context.mark_dirty(x)
        context.save_for_backward(x)
        return x

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (out,) = context.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradient, out, 0, 6)  # type: ignore[no-any-return]


class InPlaceReLU6(nn.ReLU6):
    """torch's ReLU6; in training, in the place of its input without a copy."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  as torch calls it
        """Of any shape."""
        if not (self.training and torch.is_grad_enabled() and input.requires_grad):
            return super().forward(input)
        out: Tensor = _InPlace.apply(input)
        return out


def relu6_in_place(module: Module) -> Module:
    """Replace every ReLU6 that computes in place; returns the module."""

    def replacement(layer: nn.Module) -> type[nn.Module] | None:
        return InPlaceReLU6 if type(layer) is nn.ReLU6 and layer.inplace else None

    return replace_layers(module, replacement)
