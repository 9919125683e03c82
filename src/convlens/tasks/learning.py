"""How one class for each picture is learnt: what training, engine and export ask of it."""

from collections.abc import Iterable
from typing import Protocol

from torch import Tensor, nn


class Objective(Protocol):
    """How a network's outputs are learnt, and what they mean. N pictures, K outputs."""

    @property
    def task(self) -> str:
        """The task's name."""

    @property
    def outputs(self) -> int:
        """Units of the network's last layer."""

    def encode(self, labels_N: Tensor) -> Tensor:
        """Targets [N, K] of labels, as floats: those of mixed pictures are mixed like them."""

    def loss(self, logits_NK: Tensor, targets_NK: Tensor, *, batch_labels: Tensor) -> Tensor:
        """These examples' part of J, in a batch with these labels [B]: parts add up to J."""

    def penalty(self, parameters: Iterable[nn.Parameter]) -> Tensor | None:
        """What J has besides, of the parameters; None for nothing."""

    def with_teacher(self, temperature: float) -> "Objective":
        """The same beside a teacher's probabilities at a temperature, which follow the targets."""

    def weights(self, labels_N: Tensor) -> Tensor:
        """How much each example [N] counts in J; a linear head lowers the weighted mean loss."""

    def losses(self, logits_NK: Tensor, labels_N: Tensor) -> Tensor:
        """The loss [N] of each example by itself, by which parameters are compared."""

    def accuracy(self, logits_NK: Tensor, labels_N: Tensor) -> float:
        """The share of right answers, 0 to 1."""

    def temperature(self, logits_NK: Tensor, labels_N: Tensor) -> float:
        """What to divide logits by, so that probabilities are as sure as they are right."""

    def probabilities(self, logits_NK: Tensor) -> Tensor:
        """The first output of the detector file [N, K]; exported with the network."""
