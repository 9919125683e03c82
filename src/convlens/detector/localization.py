"""Where the classes are in one picture: boxes, a heat map for each class, and what it took."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..pictures.boxes.box import Box
from .slide import Floats32

SMALLEST_WINDOW = 0.2
"""The smallest window's side, as a share of the picture's shorter one."""
MIN_PROBABILITY = 0.5
"""A box's probability from which on it is a finding."""


@dataclass(frozen=True)
class Finding:
    """A class in a box. `probability` is the answer for the box cut out by itself."""

    predicted: str
    box: Box
    probability: float


@dataclass(frozen=True)
class Localization:
    """Where the classes are in one picture, or the reason why there is no answer."""

    name: str
    size: tuple[int, int] = (0, 0)
    """The picture's width and height."""
    _: KW_ONLY
    findings: tuple[Finding, ...] = ()
    heat: dict[str, Floats32] | None = None
    """Per class [rows, columns]: the mean log-odds over the scales as a probability, 0 to 1."""
    hottest: tuple[float, float] = (0.0, 0.0)
    """The point with the highest mean log-odds: x and y in the picture's pixels."""
    windows: int = 0
    smallest: float = 0.0
    """Shorter side of the smallest window, in the picture's pixels."""
    multiplications: int = 0
    multiplications_cut_out: int = 0
    """Those of cutting every window out and answering each by itself."""
    difference: float = 0.0
    """Of the surest window's probability, between sliding and the same pixels cut out."""
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, with boxes in the picture's pixels."""
        heat = {k: np.round(m.astype(np.float64), 3).tolist() for k, m in (self.heat or {}).items()}
        return {
            "width": self.size[0],
            "height": self.size[1],
            "findings": [
                {
                    "predicted": finding.predicted,
                    "probability": finding.probability,
                    "box": {edge: round(at, 1) for edge, at in finding.box._asdict().items()},
                }
                for finding in self.findings
            ],
            "hottest": {"x": round(self.hottest[0], 1), "y": round(self.hottest[1], 1)},
            "heat": heat,
            "windows": self.windows,
            "smallest": round(self.smallest, 1),
            "multiplications": self.multiplications,
            "multiplications_cut_out": self.multiplications_cut_out,
            "difference": self.difference,
        }
