"""The answer for one picture: a class, or none where the rule is unsure."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .rules.rule import UNSURE, Rule

OUTPUTS = ("probabilities", "strangeness")
"""Of the file: one number per class that sum to 1 [N, K]; and, where it can, [N]."""
SHOWN = 5
"""Classes that a notebook shows."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture, or the reason why there is none.

    Examples:
        >>> import numpy as np
        >>> probabilities = np.array([0.25, 0.75], np.float32)
        >>> cat = Prediction("1.jpg", probabilities, labels=("dog", "cat"), class_index=1)
        >>> cat.predicted, cat.probability
        ('cat', 0.75)
    """

    name: str
    """The picture: its path, or what it was given as."""
    probabilities: npt.NDArray[np.float32] | None
    """[K], each 0 to 1, together 1; None where there is no answer."""
    _: KW_ONLY
    labels: tuple[str, ...]
    """The classes [K]."""
    error: str | None = None
    """Why the picture could not be read."""
    class_index: int | None = None
    """The answer as an index into `labels`; None where there is none."""
    strangeness: float | None = None
    """How unlike the training pictures it is, 0 and up; None where the file cannot tell."""

    @property
    def strange(self) -> bool:
        """Whether it is unlike what the detector learnt from, as only 1 % of such pictures are."""
        return self.strangeness is not None and self.strangeness > 1

    @property
    def predicted(self) -> str | None:
        """The answer: a class, as the detector's rule has it, or `unsure`."""
        if self.probabilities is None:
            return None
        return UNSURE if self.class_index is None else self.labels[self.class_index]

    @property
    def probability(self) -> float | None:
        """The answer's probability, 0 to 1; the highest one where it is `unsure`."""
        if self.probabilities is None:
            return None
        k = self.class_index
        return float(self.probabilities.max() if k is None else self.probabilities[k])

    @property
    def margin(self) -> float | None:
        """By how much the most probable class leads, 0 to 1."""
        if self.probabilities is None:
            return None
        return margin(self.probabilities)

    def top(self, count: int) -> list[tuple[str, float]]:
        """The `count` most probable classes with their probabilities, the first one first."""
        if self.probabilities is None:
            return []
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[k], float(self.probabilities[k])) for k in order]

    def _repr_html_(self) -> str:
        """For notebooks: the picture's name, the answer, and bars."""
        from html import escape

        name = escape(Path(self.name).name)
        if self.error is not None:
            return f"<p>{name}: {escape(self.error)}</p>"
        bars = "".join(
            f"<tr><td>{escape(label)}</td>"
            f'<td><meter value="{p:.4f}" style="width:12em"></meter></td><td>{p:.1%}</td></tr>'
            for label, p in self.top(SHOWN)
        )
        return f"<p>{name}: <b>{escape(self.predicted or '')}</b></p><table>{bars}</table>"


def margin(probabilities_K: npt.NDArray[np.float32]) -> float:
    """By how much the most probable class leads, 0 to 1."""
    second, first = np.sort(probabilities_K)[-2:]
    return float(first - second)


def predict(
    name: str,
    outputs: Sequence[npt.NDArray[Any]],
    *,
    classes: tuple[str, ...],
    rule: Rule,
    error: str | None = None,
) -> Prediction:
    """The answer from probabilities [K] and, if the file tells it, strangeness, by the rule."""
    if not outputs:
        return Prediction(name, None, labels=classes, error=error)
    probabilities, *others = outputs
    class_index = int(rule.predict(probabilities[None])[0])
    prediction = Prediction(
        name,
        probabilities,
        labels=classes,
        class_index=class_index if class_index >= 0 else None,
        strangeness=float(others[0]) if others else None,
    )
    if prediction.strange and rule.unsure_below:
        return replace(prediction, class_index=None)
    return prediction
