"""Which parameters are kept: those that validation pictures do not speak against."""

from dataclasses import dataclass

from torch import Tensor

MIN_VAL_EXAMPLES = 50
"""With fewer validation pictures, nobody could tell which of two sets of parameters is better."""

HARD = 0.1
"""Loss of pretrained features as they are from which fine-tuning is expected to help: it is
tried by default, and any lower loss is enough for it to win."""


def clearly_lower(losses_N: Tensor, than_N: Tensor) -> bool:
    """Whether losses are lower by more than a standard error of the paired differences.

    Never where there are fewer than `MIN_VAL_EXAMPLES`.
    """
    gain = than_N - losses_N
    if len(gain) < MIN_VAL_EXAMPLES:
        return False
    return (gain.mean() > gain.std() / len(gain) ** 0.5).item() is True


@dataclass
class ModelSelection:
    """Decides, measurement after measurement, whether its parameters shall be kept.

    Pretrained parameters as they were first, under their fitted head, are kept until later ones
    have clearly lower losses (or lower ones, where the first are `HARD`), and then those with the
    lowest. From random parameters later ones are kept unless their losses are clearly above the
    lowest so far: a schedule is made for its end, and the lowest of many measurements is partly
    chance. `reference` are the losses [N] to be beaten.
    """

    pretrained: bool
    reference: Tensor | None = None

    def accepts(self, losses_N: Tensor, best_loss: float | None) -> bool:
        """Whether parameters with these losses shall take the place of those with `best_loss`."""
        if self.reference is None:
            self.reference = losses_N
            return True
        if self.pretrained:
            if len(losses_N) < MIN_VAL_EXAMPLES or (best_loss or 0.0) <= losses_N.mean().item():
                return False
            return self.reference.mean().item() >= HARD or clearly_lower(losses_N, self.reference)
        accepted = not clearly_lower(self.reference, losses_N)
        if losses_N.mean() < self.reference.mean():
            self.reference = losses_N
        return accepted

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint holds of it."""
        return {} if self.reference is None else {"reference": self.reference}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """The reverse of `state_dict`."""
        self.reference = state.get("reference")
