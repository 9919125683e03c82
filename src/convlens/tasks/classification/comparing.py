"""Two detectors of classes on the same pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..comparing import Difference, Paired
from ..intervals import mcnemar
from .prediction import Prediction
from .rules.rule import Rule
from .table import answers_csv

Answers = Sequence[tuple[str, Prediction]]


class ClassComparing:
    """By accuracy, with McNemar's exact test."""

    measure = "accuracy"
    held_out: tuple[str, ...] = ("test",)
    tolerance = (1e-4, 0.0)
    agreement = 0.99
    answers_csv = staticmethod(answers_csv)

    def difference(
        self, one: Sequence[npt.NDArray[Any]], other: Sequence[npt.NDArray[Any]]
    ) -> Difference:
        """Of probabilities, and whether the same class is the most probable one."""
        p, q = one[0], other[0]
        return Difference(float(np.abs(p - q).max()), None, int(p.argmax() == q.argmax()), 1)

    def paired(self, one: Answers, other: Answers, *, rule: Rule) -> Paired:
        """The shares of right answers."""
        right = [[answer.predicted == label for label, answer in side] for side in (one, other)]
        pairs = list(zip(*right, strict=True))
        only = pairs.count((True, False)), pairs.count((False, True))
        first, second = (sum(side) / len(pairs) for side in right)
        return Paired((first, second), only, mcnemar(*only), len(pairs))
