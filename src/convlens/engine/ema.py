"""An average of the parameters over the steps, which is what is measured and exported."""

from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

EXPONENT = 6
"""At step t the average reaches back about t / (EXPONENT + 2) steps."""


def make_ema(module: nn.Module) -> AveragedModel:
    """The average of a module's parameters and buffers, as its class in torch holds it."""
    return AveragedModel(module, multi_avg_fn=ema_update, use_buffers=True)


def ema_update(averages: Any, current: Any, steps: Tensor | int) -> None:
    """Move averaged parameters towards the current ones, by less the more steps there were.

    The weights of past steps follow a power of the step (power-function EMA, Karras et al. 2023,
    "Analyzing and Improving the Training Dynamics of Diffusion Models"), so the average
    reaches back over a share of the steps so far, wherever training ends.

    Args:
        averages: Tensors to be moved.
        current: The tensors of the module, in the same order.
        steps: How many updates there were before.
    """
    share = 1 - (1 - 1 / (float(steps) + 1)) ** (EXPONENT + 1)
    for average, value in zip(averages, current, strict=True):
        if average.is_floating_point():
            average.lerp_(value, share)
        else:
            average.copy_(value)
