"""What is done where J explodes: back to the last checkpoint, and on with smaller steps."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..errors import ConvlensError

EXPLODED = 1e4
"""A J as high as this is as bad as one that is no number."""
MOST_RECOVERIES, REDUCTION = 3, 0.3
"""So often training goes back to its last checkpoint, each time with steps so much smaller."""


def learning_rate_factor(recoveries: int) -> float:
    """Share of the planned learning rate after so many recoveries."""
    return REDUCTION**recoveries


def is_finite(module: nn.Module) -> bool:
    """Whether every parameter is a number."""
    with torch.no_grad():
        return all(bool(torch.isfinite(p.sum())) for p in module.parameters())


@dataclass(frozen=True)
class Explosion:
    """J is too high, or no number, after a step (from 1); the recovery from it has this number."""

    step: int
    loss: float
    number: int

    def raise_if_last(self, learning_rate: float, folder: Path) -> None:
        """Raise `ConvlensError` where training went back often enough.

        Args:
            learning_rate: The highest one, without any reduction.
            folder: Where the last sound checkpoint is.
        """
        if self.number > MOST_RECOVERIES:
            raise ConvlensError(
                f"J exploded at step {self.step:,} again ({self.loss:.3g}), even with a learning "
                f"rate {learning_rate_factor(MOST_RECOVERIES):.2g} as high: give a lower "
                f"--learning-rate than {learning_rate:.2g}, or --optimizer auto; the last sound "
                f"state is kept in {folder}"
            )

    def message(self, back_to: int) -> str:
        """What to tell when training went back to a step."""
        return (
            f"J exploded at step {self.step:,} ({self.loss:.3g}): back to step {back_to:,}, and on "
            f"with a learning rate {learning_rate_factor(self.number):.2g} as high"
        )
