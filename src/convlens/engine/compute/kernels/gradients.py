"""torch's own gradients of a convolution, one at a time."""

from typing import Literal

import torch
from torch import Tensor


def torchs_gradient(
    of: Literal["maps", "filters"],
    gradient_NKHW: Tensor,
    x_NCHW: Tensor,
    filters: Tensor,
    *,
    stride: tuple[int, int],
    padding: tuple[int, int],
    groups: int = 1,
) -> Tensor:
    """From the gradient of what a convolution gave to that of its maps, or of its filters."""
    gradients = torch.ops.aten.convolution_backward(
        gradient_NKHW,
        x_NCHW,
        filters,
        None,
        stride,
        padding,
        (1, 1),
        False,
        (0, 0),
        groups,
        (of == "maps", of == "filters", False),
    )
    found: Tensor = gradients[0 if of == "maps" else 1]
    return found
