"""A learnt style's file: checked, loaded, and painted with, in tiles, without PyTorch."""

from pathlib import Path

import numpy as np

from ..detector.integrity import check_graph, unseal
from ..errors import ConvlensError
from ..files import given_path, saying_where
from ..pictures.decode import RGB
from ..pictures.resize import Resizer
from ..progress import Progress

FORMAT = "convlens style 1"
INPUTS, OUTPUT = ("image", "thumbnail"), "painted"
STRIDE, REACH, THUMBNAIL = 4, 40, 256
"""Sides are multiples of the first; a pixel depends on others at most the second away; the longer
side of the picture whose moments normalise every tile."""
TILE = 1024


class StyleFile:
    """A style that `learn_style` learnt, on one core.

    Args:
        file: The `.onnx`, or its bytes.

    Raises:
        ConvlensError: The file is no such style, or was changed since it was written.
    """

    def __init__(self, file: str | Path | bytes) -> None:
        import onnxruntime

        name = "the style" if isinstance(file, bytes) else str(given_path(file))
        if isinstance(file, bytes):
            data = file
        else:
            with saying_where(given_path(file), "read"):
                data = given_path(file).read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            check_graph(unseal(data))
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # ONNX Runtime raises many kinds of its own
            said = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise ConvlensError(f"{name} is not a learnt style: {said}") from error
        if self.metadata.get("format") != FORMAT:
            raise ConvlensError(
                f"{name} is not a learnt style: 'convlens paint --learn PAINTING' makes one"
            )

    def paint(self, image: RGB, *, tile: int = TILE, progress: Progress = lambda *_: None) -> RGB:
        """A picture [H, W, 3] painted, of the same size; what is larger than a tile in tiles."""
        height, width = image.shape[:2]
        scale = min(1.0, THUMBNAIL / max(height, width))
        sides = tuple(
            max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (height, width)
        )
        thumbnail = Resizer((sides[0], sides[1]))(image)
        out = np.empty_like(image)
        corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
        for done, (top, left) in enumerate(corners, 1):
            y, x = max(0, top - REACH), max(0, left - REACH)
            seen = image[y : top + tile + REACH, x : left + tile + REACH]
            pads = [(0, -side % STRIDE) for side in seen.shape[:2]]
            seen = np.pad(seen, (*pads, (0, 0)), mode="reflect")
            given = {INPUTS[0]: seen[None], INPUTS[1]: thumbnail[None]}
            painted: RGB = self._session.run([OUTPUT], given)[0][0]
            into = out[top : top + tile, left : left + tile]
            into[:] = painted[top - y :, left - x :][: into.shape[0], : into.shape[1]]
            progress("painting", done, len(corners))
        return out
