"""The detector that the server answers with: one that was taught in the page may replace it."""

from dataclasses import dataclass

from ..detector.detector import Detector


@dataclass
class CurrentModel:
    """Holds whichever detector answers now."""

    detector: Detector
