"""A picture with what was found in it: the heat over it, and a box for each finding."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..pictures.decode import RGB
from .find import Found

HOT = (255, 90, 0)
BOX, TEXT = (20, 220, 120), (0, 0, 0)
STRENGTH = 0.55
"""How much of a pixel the hottest heat takes."""


def drawn(image: RGB, found: Found) -> Image.Image:
    """Upright uint8 RGB [height, width, 3] with heat, boxes, labels and probabilities."""
    height, width = image.shape[:2]
    out = Image.fromarray(image)
    if found.heat:
        hottest = np.max(list(found.heat.values()), axis=0)
        mask = Image.fromarray((hottest * STRENGTH * 255).astype(np.uint8))
        out.paste(Image.new("RGB", out.size, HOT), None, mask.resize((width, height), 2))
    draw = ImageDraw.Draw(out)
    line = max(2, round(min(height, width) / 150))
    font = ImageFont.load_default(max(11, round(min(height, width) / 28)))
    for one in found.findings:
        draw.rectangle([round(at) for at in one.box], outline=BOX, width=line)
        text = f"{one.label} {one.probability:.0%}"
        place = (one.box.left + line, one.box.top + line)
        draw.rectangle(draw.textbbox(place, text, font), fill=BOX)
        draw.text(place, text, TEXT, font)
    return out
