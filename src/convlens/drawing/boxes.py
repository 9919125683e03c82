"""Boxes drawn on pictures."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..pictures.decode import RGB

COLOURS = (
    *((20, 220, 120), (255, 190, 0), (0, 190, 255), (255, 110, 220)),
    *((255, 120, 60), (170, 255, 60), (150, 140, 255), (255, 255, 255)),
)
"""Of the first eight classes, and then over again."""
WRONG = (255, 40, 40)
"""Of a box that something is wrong with."""
FEW = 20
"""Boxes on a picture up to which each is named."""


class DrawnBox(NamedTuple):
    """A box in the picture's pixels, what is written on it, and its colour."""

    box: Sequence[float]
    text: str
    colour: tuple[int, int, int]


def draw_boxes(canvas: Image.Image, boxes: Sequence[DrawnBox], *, named: bool = True) -> None:
    """Draw boxes, and their texts if they are to be `named`, upon an RGB image."""
    pen = ImageDraw.Draw(canvas)
    short = min(canvas.size)
    line, font = max(2, round(short / 150)), ImageFont.load_default(max(11, round(short / 28)))
    for box, text, colour in boxes:
        left, top, right, bottom = (round(at) for at in box)
        pen.rectangle([left, top, max(left, right), max(top, bottom)], outline=colour, width=line)
        if named and text:
            corner = (left + line, top + line)
            pen.rectangle(pen.textbbox(corner, text, font), fill=colour)
            pen.text(corner, text, (0, 0, 0), font)


def with_boxes(pixels: RGB, boxes: Sequence[DrawnBox], *, side: int = 360) -> RGB:
    """A picture [H, W, 3] whose longer side is brought to `side`, and boxes drawn on it."""
    image = Image.fromarray(pixels)
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.NEAREST if scale > 2 else None)
    moved = [one._replace(box=[at * scale for at in one.box]) for one in boxes]
    draw_boxes(image, moved, named=len(boxes) <= FEW)
    return np.asarray(image)
