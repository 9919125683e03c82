"""A learnt style's file: checked, loaded, and painted with, in tiles, without PyTorch."""

from pathlib import Path

import numpy as np

from ..detector.sessions.onnx_runtime import load
from ..errors import ConvlensError
from ..files import given_path, saying_where
from ..pictures.decode import RGB
from ..pictures.resize import resize
from ..progress import Progress
from .tiles import tiles

FORMAT = "convlens style 1"
INPUTS, OUTPUT = ("image", "thumbnail"), "painted"
STRIDE, REACH, THUMBNAIL = 4, 40, 256
"""Sides are multiples of the first; a pixel depends on others at most the second away; the longer
side of the picture whose moments normalise every tile."""
TILE = 1024


def is_style(path: str | Path) -> bool:
    """Whether a file says that it is a learnt style: without loading it, or checking that."""
    path = given_path(path)
    try:
        return path.suffix == ".onnx" and FORMAT.encode() in path.read_bytes()
    except OSError:
        return False


class StyleFile:
    """A style that `learn_style` learnt, on one core.

    Args:
        file: The `.onnx`, or its bytes.

    Raises:
        ConvlensError: The file is no such style, or was changed since it was written.
    """

    def __init__(self, file: str | Path | bytes) -> None:
        name, what = "the style", "a learnt style"
        if not isinstance(file, bytes):
            name, path = str(file), given_path(file)
            with saying_where(path, "read"):
                file = path.read_bytes()
        self._session = load(file, name=name, what=what)
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        if self.metadata.get("format") != FORMAT:
            raise ConvlensError(
                f"{name} is not {what}: 'convlens paint --learn PAINTING' makes one"
            )

    @property
    def painting(self) -> str:
        """The name of the painting that it paints like."""
        return self.metadata.get("painting", "")

    def paint(self, image: RGB, *, tile: int = TILE, progress: Progress = lambda *_: None) -> RGB:
        """A picture [H, W, 3] painted, of the same size; what is larger than a tile in tiles."""
        height, width = image.shape[:2]
        scale = min(1.0, THUMBNAIL / max(height, width)) / STRIDE
        down, across = (max(2, round(side * scale)) * STRIDE for side in (height, width))
        thumbnail = resize(image, (down, across))
        out = np.empty_like(image)
        rows, columns = (list(tiles(n, side=tile, reach=REACH)) for n in (height, width))
        places = [(y, x) for y in rows for x in columns]
        for done, (y, x) in enumerate(places, 1):
            seen = image[y.seen, x.seen]
            pads = [(0, -side % STRIDE) for side in seen.shape[:2]]
            seen = np.pad(seen, (*pads, (0, 0)), mode="reflect")
            given = {INPUTS[0]: seen[None], INPUTS[1]: thumbnail[None]}
            (painted,) = self._session.run([OUTPUT], given)[0]
            out[y.own, x.own] = painted[y.inside(), x.inside()]
            progress("painting", done, len(places))
        return out
