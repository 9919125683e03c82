"""Small pictures for pages."""

import base64
import io
from collections.abc import Sequence

from PIL import Image

from ..pictures.decode import RGB

GAP = 4
"""Pixels between the pictures of a sheet."""


def png(image: Image.Image) -> bytes:
    """A picture as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Bytes as a `data:` address, so that a page needs no other file."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def thumbnail(pixels: RGB, side: int = 160) -> str:
    """Pixels [H, W, 3] as a `data:` address of a JPEG whose longer side is `side`."""
    image = Image.fromarray(pixels)
    scale = side / max(image.size)
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return data_uri(buffer.getvalue(), "image/jpeg")


def contact_sheet(pictures: Sequence[RGB], columns: int = 8, *, cell: int = 128) -> bytes:
    """Equal pictures in rows on one PNG, enlarged to at least `cell` pixels by whole factors."""
    height, width = pictures[0].shape[:2]
    scale = max(1, -(-cell // height))
    height, width = height * scale, width * scale
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP)
    sheet = Image.new("RGB", size, (255, 255, 255))
    for number, pixels in enumerate(pictures):
        image = Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)
        place = ((number % columns) * (width + GAP), (number // columns) * (height + GAP))
        sheet.paste(image, place)
    return png(sheet)
