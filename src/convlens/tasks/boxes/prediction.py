"""The answer for one picture: its objects, each with a box, a class and a score."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...pictures.boxes.box import Box
from .rule import BoxRule

OUTPUTS = ("boxes", "scores", "classes", "number")
"""Of the file: [N, M, 4], [N, M], [N, M] and [N], the surest first."""


@dataclass(frozen=True)
class Detection:
    """An object: its class, its box in the picture's own pixels, and how sure it is, 0 to 1."""

    predicted: str
    box: Box
    score: float

    def as_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "predicted": self.predicted,
            "score": self.score,
            "box": {edge: round(at, 2) for edge, at in self.box._asdict().items()},
        }


@dataclass(frozen=True, eq=False)
class BoxPrediction:
    """The objects in one picture, the surest first, or the reason why there is no answer.

    Examples:
        >>> ball = Detection("ball", Box(10, 20, 30, 40), 0.9)
        >>> BoxPrediction("1.jpg", (ball,), labels=("ball", "bat")).counts()
        {'ball': 1}
    """

    name: str
    """The picture: its path, or what it was given as."""
    objects: tuple[Detection, ...] = ()
    """Those that are as sure as the rule asks for."""
    _: KW_ONLY
    labels: tuple[str, ...]
    """The classes [K]."""
    boxes: npt.NDArray[np.float32] | None = None
    """All that the file tells, however unsure [n, 4]: left, top, right, bottom."""
    scores: npt.NDArray[np.float32] | None = None
    classes: npt.NDArray[np.int64] | None = None
    error: str | None = None
    """Why the picture could not be read."""
    margin: float | None = None
    """How far the score nearest to its class's threshold is from it; 1 where it tells nothing."""
    strange = False
    """Nothing is known of what it did not learn from."""

    @property
    def predicted(self) -> str | None:
        """What there is, in words: `2 cat, 1 dog`, or `nothing`."""
        if self.error is not None:
            return None
        return ", ".join(f"{n} {label}" for label, n in self.counts().items()) or "nothing"

    @property
    def probability(self) -> float | None:
        """The score of its surest object; 0 where it has none."""
        if self.error is not None:
            return None
        return self.objects[0].score if self.objects else 0.0

    def counts(self) -> dict[str, int]:
        """How many objects of each class there are, of those there are any of."""
        found = [thing.predicted for thing in self.objects]
        return {label: found.count(label) for label in self.labels if label in found}

    def _repr_html_(self) -> str:
        """For notebooks: the picture's name, and its objects in a table."""
        name = escape(Path(self.name).name)
        if self.error is not None:
            return f"<p>{name}: {escape(self.error)}</p>"
        rows = "".join(
            f"<tr><td>{escape(thing.predicted)}</td><td>{thing.score:.1%}</td>"
            f"<td>{', '.join(f'{at:.0f}' for at in thing.box)}</td></tr>"
            for thing in self.objects
        )
        return f"<p>{name}: {len(self.objects)} objects</p><table>{rows}</table>"


def predict(
    name: str,
    outputs: Sequence[npt.NDArray[Any]],
    *,
    classes: tuple[str, ...],
    rule: BoxRule,
    error: str | None = None,
) -> BoxPrediction:
    """The answer from the file's outputs for one picture, by the rule."""
    if not outputs:
        return BoxPrediction(name, labels=classes, error=error)
    boxes, scores, indices, number = outputs
    count = int(number)
    boxes, scores, indices = boxes[:count], scores[:count], indices[:count]
    objects = tuple(
        Detection(classes[k], Box(*box), score)
        for box, score, k in zip(boxes.tolist(), scores.tolist(), indices.tolist(), strict=True)
        if score >= rule.thresholds[k]
    )
    distances = np.abs(scores - np.array(rule.thresholds)[indices])
    return BoxPrediction(
        name,
        objects,
        labels=classes,
        boxes=boxes,
        scores=scores,
        classes=indices,
        margin=float(distances.min(initial=1.0)),
    )
