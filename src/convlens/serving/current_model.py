"""The detector that a server answers with: one that was taught in the page may take its place."""

from dataclasses import dataclass

from ..detector.detector import Detector


@dataclass
class Served:
    """Whichever detector answers now."""

    detector: Detector
