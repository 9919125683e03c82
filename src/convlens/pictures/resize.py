"""The one resize: ONNX Runtime's, the very operator that stands in every detector file."""

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from .decode import RGB

ATTRIBUTES = {
    "mode": "linear",
    "antialias": 1,
    "exclude_outside": 1,
    "coordinate_transformation_mode": "half_pixel",
    "axes": [1, 2],
}
"""Attributes of the `Resize` operator (opset 18), in `resize.onnx` and in the detector alike."""


def resize(image: RGB, shape: tuple[int, int]) -> RGB:
    """Squash a picture [height, width, 3] to (height, width), in uint8, antialiased.

    May be called from many threads. Within one level of Pillow's bilinear at the sizes in use.
    Because the operator is the detector's own, pixels from the store are the pixels that the
    detector file sees, bit for bit.
    """
    feeds = {"image": image[None], "sizes": np.array(shape, np.int64)}
    pixels: RGB = _session().run(None, feeds)[0][0]
    return pixels


@cache
def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # pictures come in all sizes: an arena would only grow
    graph = files("convlens.pictures").joinpath("resize.onnx").read_bytes()
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class Resizer:
    """`resize` to a square of `size`, or to (height, width)."""

    def __init__(self, size: int | tuple[int, int]) -> None:
        self._shape = (size, size) if isinstance(size, int) else size

    def __call__(self, image: RGB) -> RGB:
        """[height, width, 3] in, squashed [., ., 3] out."""
        return resize(image, self._shape)
