"""From probabilities to an answer: the most probable class, or what an objective asks for."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError

UNSURE = "unsure"
"""The answer that is none."""
BALANCE = "balance"
"""The objective under which every class counts alike."""
_NONE = -1


@dataclass(frozen=True)
class Rule:
    """How answers follow from probabilities. At most one of the three is set.

    `unsure_below`: where the most probable class is less probable, the answer is `unsure`.
    `predicted_from`: a class that is the answer from a probability on, whatever the others'; below
    it the answer is the most probable other one. `costs[true][predicted]`: the answer is the class
    of the lowest expected cost (Elkan 2001). `objective` is what was asked for, in words.
    """

    objective: str = ""
    unsure_below: float = 0.0
    _: KW_ONLY
    predicted_from: tuple[int, float] | None = None
    costs: tuple[tuple[float, ...], ...] | None = None

    @staticmethod
    def from_json(data: dict[str, Any], classes: int) -> "Rule":
        """Back from plain data. Raises `ConvlensError` where it is no rule for so many classes."""
        try:
            predicted, costs = data["predicted_from"], data["costs"]
            rule = Rule(
                str(data["objective"]),
                float(data["unsure_below"]),
                predicted_from=(int(predicted[0]), float(predicted[1]))
                if predicted is not None
                else None,
                costs=tuple(tuple(map(float, row)) for row in costs) if costs is not None else None,
            )
            sound = rule.predicted_from is None or 0 <= rule.predicted_from[0] < classes
            if rule.costs is not None:
                sound &= {len(rule.costs), *map(len, rule.costs)} == {classes}
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ConvlensError(f"its rule for answers is damaged: {error!r}") from error
        if not sound:
            raise ConvlensError("its rule for answers is for other classes")
        return rule

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)

    def predict(self, probabilities_NK: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """The class index of each picture's answer [N]; -1 where it is unsure.

        Of two classes alike the first one is the answer.
        """
        p = probabilities_NK
        answers: npt.NDArray[np.int64] = p.argmax(1)
        if self.costs is not None:
            answers = (p @ np.array(self.costs, np.float32)).argmin(1)
        elif self.predicted_from is not None:
            class_index, threshold = self.predicted_from
            others = p.copy()
            others[:, class_index] = -1
            answers = np.where(p[:, class_index] >= threshold, class_index, others.argmax(1))
        else:
            answers[p.max(1) < self.unsure_below] = _NONE
        return answers


MOST_PROBABLE = Rule()
"""The most probable class is the answer."""


def coverage_rule(coverage: float, probabilities_NK: npt.NDArray[np.float32]) -> Rule:
    """Answers about this share of pictures like these; the least sure ones get none."""
    least = float(np.quantile(probabilities_NK.max(1), 1 - coverage, method="lower"))
    return Rule(f"coverage {coverage:g}", unsure_below=least)


def recall_rule(
    label: str,
    recall: float,
    *,
    labels: tuple[str, ...],
    true_N: npt.NDArray[np.int64],
    probabilities_NK: npt.NDArray[np.float32],
) -> Rule:
    """Finds this share of the pictures of one class, at the price of more false alarms.

    The share found from the k-th lowest of n probabilities on is 1 - k / (n + 1) in the mean; the
    largest such k is taken, and 1 where n is too small for any.
    """
    k = labels.index(label)
    own = np.sort(probabilities_NK[true_N == k, k])
    if not len(own):
        raise ConvlensError(f"--recall {label}: no validation picture is of that class")
    rank = max(1, int((1 - recall) * (len(own) + 1) + 1e-9))
    return Rule(f"recall {label}={recall:g}", predicted_from=(k, float(own[rank - 1])))


def balance_rule(counts_K: npt.NDArray[np.int64]) -> Rule:
    """Every class counts alike: a mistake costs the more, the fewer pictures a class has.

    `counts_K` are the training pictures per class. So the answer is the class whose probability is
    highest in proportion to its share of them (Menon et al. 2021), and probabilities stay as they
    are, calibrated.
    """
    cost_K = counts_K.sum() / (len(counts_K) * np.maximum(counts_K, 1))
    table = cost_K[:, None] * (1 - np.eye(len(counts_K)))
    return Rule(BALANCE, costs=tuple(map(tuple, table.tolist())))


def cost_rule(costs: dict[tuple[str, str], float], labels: tuple[str, ...]) -> Rule:
    """Costs of calling the first label the second; other mistakes cost 1."""
    table = 1 - np.eye(len(labels))
    for (true, predicted), cost in costs.items():
        table[labels.index(true), labels.index(predicted)] = cost
    words = ",".join(f"{true}>{predicted}={cost:g}" for (true, predicted), cost in costs.items())
    return Rule(f"costs {words}", costs=tuple(map(tuple, table.tolist())))
