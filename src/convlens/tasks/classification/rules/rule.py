"""From probabilities to an answer: the most probable class, or what an objective asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....errors import ConvlensError

UNSURE = "unsure"
"""The answer that is none."""
BALANCE = "balance"
"""The objective under which every class counts alike."""
_NONE = -1


@dataclass(frozen=True)
class Rule:
    """How answers follow from probabilities. At most one of the four is set.

    `unsure_below`: where the most probable class is less probable, the answer is `unsure`.
    `predicted_from`: a class that is the answer from a probability on, whatever the others'; below
    it the answer is the most probable other one. `weights`: the answer is the class with the
    highest probability times its weight; one of weight 0 never is. `costs`: (true, predicted,
    cost), where other mistakes cost 1; the answer is the class of the lowest expected cost (Elkan
    2001). `objective` is what was asked for, in words.
    """

    objective: str = ""
    unsure_below: float = 0.0
    _: KW_ONLY
    predicted_from: tuple[int, float] | None = None
    weights: tuple[float, ...] | None = None
    costs: tuple[tuple[int, int, float], ...] | None = None

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
            expected = 1 - p
            for true, predicted, cost in self.costs:
                expected[:, predicted] += (cost - 1) * p[:, true]
            answers = expected.argmin(1)
        elif self.weights is not None:
            weights = np.array(self.weights, np.float32)
            answers = np.where(weights > 0, p * weights, -1).argmax(1)
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


def read_rule(data: Mapping[str, Any] | None, classes: Sequence[str]) -> Rule:
    """The rule in a file's metadata; without one, the most probable class is the answer.

    Raises `ConvlensError` where it is no rule for these classes.
    """
    if data is None:
        return MOST_PROBABLE
    try:
        predicted, weights, costs = data["predicted_from"], data["weights"], data["costs"]
        rule = Rule(
            str(data["objective"]),
            float(data["unsure_below"]),
            predicted_from=None if predicted is None else (int(predicted[0]), float(predicted[1])),
            weights=None if weights is None else tuple(map(float, weights)),
            costs=None if costs is None else tuple((int(t), int(k), float(c)) for t, k, c in costs),
        )
        named = {k for t, k, _ in rule.costs or ()} | {t for t, _, _ in rule.costs or ()}
        if rule.predicted_from is not None:
            named.add(rule.predicted_from[0])
        sound = named <= set(range(len(classes)))
        sound &= rule.weights is None or len(rule.weights) == len(classes)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ConvlensError(f"its rule for answers is damaged: {error!r}") from error
    if not sound:
        raise ConvlensError("its rule for answers is for other classes")
    return rule
