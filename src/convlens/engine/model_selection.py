"""Which parameters are kept: those that validation pictures do not speak against."""

from dataclasses import dataclass

from torch import Tensor

MIN_VAL_EXAMPLES = 50
"""With fewer validation pictures, nobody could tell which of two sets of parameters is better."""

HARD = 0.1
"""Cost of pretrained features as they are from which fine-tuning is expected to help: it gets more
time, and any lower cost is enough for it to win."""


def clearly_lower(costs_N: Tensor, than_N: Tensor) -> bool:
    """Whether costs are lower by more than a standard error of the paired differences.

    Never where there are fewer than `MIN_VAL_EXAMPLES`.
    """
    gain = than_N - costs_N
    if len(gain) < MIN_VAL_EXAMPLES:
        return False
    return (gain.mean() > gain.std() / len(gain) ** 0.5).item() is True


@dataclass
class ModelSelection:
    """Decides, measurement after measurement, whether its parameters shall be kept.

    Pretrained parameters as they were first, under their fitted head, are kept until later ones
    have clearly lower costs (or lower ones, where the first are `HARD`), and then those with the
    lowest. From random parameters later ones are kept unless their costs are clearly above the
    lowest so far: a schedule is made for its end, and the lowest of many measurements is partly
    chance. `bar` are the costs [N] to be beaten.
    """

    pretrained: bool
    bar: Tensor | None = None

    def __call__(self, costs_N: Tensor, kept_cost: float | None) -> bool:
        """Whether parameters with these costs shall take the place of those with `kept_cost`."""
        if self.bar is None:
            self.bar = costs_N
            return True
        if self.pretrained:
            if len(costs_N) < MIN_VAL_EXAMPLES or (kept_cost or 0.0) <= costs_N.mean().item():
                return False
            return self.bar.mean().item() >= HARD or clearly_lower(costs_N, self.bar)
        keep = not clearly_lower(self.bar, costs_N)
        if costs_N.mean() < self.bar.mean():
            self.bar = costs_N
        return keep
