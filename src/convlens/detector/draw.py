"""A picture with the heat over it, and a box for what was found."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..drawing.boxes import COLOURS, DrawnBox, draw_boxes
from ..errors import PictureError
from ..parallel import in_order
from ..pictures.decode import RGB
from ..pictures.source import Source
from .detector import Detector
from .heat_map import HeatMapper
from .inputs import pixels_of
from .localization import Localization

HOT = (255, 90, 0)
BOX = COLOURS[0]
MULTIPLICATIONS = 40_000_000_000
"""What a report's heat maps may take: seconds."""
DRAWN = 512
"""Pixels of the longer side of pictures with heat over them."""
HEAT_OPACITY = 0.55
"""How much of a pixel the hottest heat takes."""


def draw_heat(image: RGB, heat: npt.NDArray[np.floating[Any]]) -> Image.Image:
    """Upright uint8 RGB [height, width, 3] with heat [rows, columns], 0 to 1, over it."""
    out = Image.fromarray(image)
    mask = Image.fromarray((heat * HEAT_OPACITY * 255).astype(np.uint8))
    out.paste(Image.new("RGB", out.size, HOT), None, mask.resize(out.size, 2))
    return out


def explained(file: bytes, answers: Sequence[tuple[Source, str]]) -> list[RGB | None]:
    """The first of some pictures with what speaks for an answer to them as heat over them.

    So many that it takes no more than `MULTIPLICATIONS`, and two at least; None is one that cannot
    be read.
    """
    if not answers:
        return []
    detector = Detector(file)
    cost = HeatMapper(detector).passes * int(detector.metadata["multiplications"])

    def explain(answer: tuple[Source, str]) -> RGB | None:
        source, label = answer
        try:
            image = pixels_of(source)
        except PictureError:  # gone meanwhile
            return None
        heat_map = HeatMapper(detector, label).look(source.name, image)
        drawn = draw_heat(image, heat_map.heat)
        drawn.thumbnail((DRAWN, DRAWN))  # many large ones would take gigabytes together
        return np.asarray(drawn)

    return list(in_order(explain, answers[: max(2, MULTIPLICATIONS // max(1, cost))]))


def draw_findings(image: RGB, localization: Localization) -> Image.Image:
    """Upright uint8 RGB [height, width, 3] with heat, boxes, labels and probabilities."""
    maps = localization.heat
    out = draw_heat(image, np.max(list(maps.values()), axis=0) if maps else np.zeros((1, 1)))
    found = [
        DrawnBox(finding.box, f"{finding.predicted} {finding.probability:.0%}", BOX)
        for finding in localization.findings
    ]
    draw_boxes(out, found)
    return out
