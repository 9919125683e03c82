"""From which score on a class's boxes are answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ConvlensError

USUAL = 0.4
"""Where no picture was held out to choose it by."""


@dataclass(frozen=True)
class BoxRule:
    """The least score [K] of each class; `why` says what chose it."""

    thresholds: tuple[float, ...]
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data, for a file's metadata."""
        return {"thresholds": list(self.thresholds), "why": self.why}

    def sentence(self, classes: Sequence[str]) -> str:
        """Words for a report."""
        if len({round(t, 3) for t in self.thresholds}) == 1:
            told = f"{self.thresholds[0]:.2f}"
        else:
            pairs = zip(classes, self.thresholds, strict=True)
            told = ", ".join(f"{label} {least:.2f}" for label, least in pairs)
        return f"Least score of an answer: {told}{self._why}."

    @property
    def _why(self) -> str:
        return f", {self.why}" if self.why else ""


def usual_rule(classes: int) -> BoxRule:
    """What is taken where nothing is known."""
    return BoxRule((USUAL,) * classes)


def read_rule(data: Mapping[str, Any] | None, classes: Sequence[str]) -> BoxRule:
    """The rule in a file's metadata. Raises `ConvlensError` where it does not fit the classes."""
    if data is None:
        return usual_rule(len(classes))
    thresholds = data.get("thresholds")
    if not isinstance(thresholds, list) or len(thresholds) != len(classes):
        raise ConvlensError("its rule has not a threshold for each class")
    return BoxRule(tuple(float(least) for least in thresholds), str(data.get("why", "")))
