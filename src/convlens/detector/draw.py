"""A picture with what was found in it: the heat over it, and a box for each finding."""

import numpy as np
from PIL import Image

from ..drawing.boxes import COLOURS, DrawnBox, draw_boxes
from ..pictures.decode import RGB
from .localization import Localization

HOT = (255, 90, 0)
BOX = COLOURS[0]
HEAT_OPACITY = 0.55
"""How much of a pixel the hottest heat takes."""


def draw_findings(image: RGB, localization: Localization) -> Image.Image:
    """Upright uint8 RGB [height, width, 3] with heat, boxes, labels and probabilities."""
    height, width = image.shape[:2]
    out = Image.fromarray(image)
    if localization.heat:
        hottest = np.max(list(localization.heat.values()), axis=0)
        mask = Image.fromarray((hottest * HEAT_OPACITY * 255).astype(np.uint8))
        out.paste(Image.new("RGB", out.size, HOT), None, mask.resize((width, height), 2))
    found = [
        DrawnBox(finding.box, f"{finding.predicted} {finding.probability:.0%}", BOX)
        for finding in localization.findings
    ]
    draw_boxes(out, found)
    return out
