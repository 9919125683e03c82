"""What training has to know of a task; `task` beside it is for those who do without torch."""

from collections.abc import Collection, Iterable
from typing import Any, Protocol

import numpy.typing as npt
from torch import Tensor, nn

from ..options import AnswerOptions, LossOptions
from .answers import Evaluation


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


class Learning(Protocol):
    """From labels to an objective, and from what was learnt to rules and metrics."""

    def objective(
        self, options: LossOptions, labels_N: npt.NDArray[Any], *, classes: int, pretrained: bool
    ) -> Objective:
        """How a network learns these labels; `pretrained`: from features learnt elsewhere."""

    def check_options(
        self, options: AnswerOptions, classes: tuple[str, ...], *, held_out: Collection[str]
    ) -> None:
        """Raise a `ConvlensError` where no rule can be as asked, by pictures with these labels."""

    def fit_rule(
        self,
        options: AnswerOptions,
        classes: tuple[str, ...],
        *,
        labels_N: npt.NDArray[Any],
        probabilities_NK: npt.NDArray[Any],
        learnt_N: npt.NDArray[Any],
    ) -> Any:
        """The rule by pictures that were not learnt from; `learnt_N` are the labels that were."""

    def balanced(self, rule: Any) -> bool:
        """Whether every class counts alike by this rule, however few its pictures."""

    def metrics(
        self,
        classes: tuple[str, ...],
        labels_N: npt.NDArray[Any],
        *,
        probabilities_NK: npt.NDArray[Any],
        rule: Any,
    ) -> dict[str, Any]:
        """Metrics of answers by a rule, as plain data."""

    def further_metrics(
        self,
        evaluation: "Evaluation | None",
        *,
        uncalibrated_NK: npt.NDArray[Any] | None,
        rule: Any,
        judged: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    ) -> dict[str, Any]:
        """What a run's metrics.json has beside the metrics on held-out pictures.

        `judged` are labels [N] and probabilities [N, K] of the pictures that the rule is fitted on.
        """
