"""What every form of a detector is to those who ask it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...errors import ConvlensError, PictureError
from ...pictures.decode import RGB
from .input_form import InputForm

INPUT = "image"
SQUASHED = "squashed"
"""What the network sees: the picture at its size, uint8 NHWC."""
ENLARGED, OWN_SIDES = "enlarged", "picture_sides_float"
"""Of a detector of boxes, rows before columns [2]: what leads from its canvas back to the picture's
own pixels, and how many of these there are."""
SIZES, WINDOWS = "squash_to", "windows"
"""A constant: height and width [2] that the picture is squashed to. An output: logits
[N, K, down, across] of each window of the network's own size in it; one window, for that constant.
"""
CLASS_MAPS = "class_maps"
"""Part of a graph that lies in the metadata, and its output: what each place of the last maps adds
to each class's logit [N, K, h, w], which are their mean."""


class Session(ABC):
    """A detector's graph in a runtime, each picture on one core, with its metadata.

    Args:
        name: What errors call it.
        metadata: Its labels, its rule, and how it was made.
        digest: The checksum of what it was loaded from: no other detector has it.
        size: Its bytes.
        shapes: Of the outputs, by name, batch first.
    """

    path: Path | None = None
    runtime: ClassVar[str]
    """The package that computes."""

    def __init__(
        self,
        name: str,
        *,
        metadata: dict[str, str],
        digest: str,
        size: int,
        shapes: Mapping[str, Sequence[Any]],
    ) -> None:
        self.name = name
        self.metadata = metadata
        self.digest = digest
        self.size = size
        self.shapes = shapes
        if "labels" not in metadata:
            raise ConvlensError(f"{name} has no labels: it was not made by convlens")
        text = metadata.get("input")
        self._form = InputForm.from_json(text) if text else None

    def run(
        self, image: RGB, outputs: Sequence[str], constants: Mapping[str, Any] | None = None
    ) -> list[npt.NDArray[Any]]:
        """These outputs for upright uint8 RGB [height, width, 3], each without the first axis.

        Raises `PictureError` where it is something else, `ConvlensError` where the graph fails.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise PictureError(
                f"a picture is uint8 [height, width, 3]; got {image.dtype} {list(image.shape)}"
            )
        if not image.size:
            raise PictureError("it has no pixels")
        pixels = self._form.prepare(image) if self._form else image[None]
        try:
            values = self._answer(pixels, outputs, constants or {})
        except Exception as error:  # of a runtime, which raises many kinds
            raise ConvlensError(
                f"{self.name} failed on a picture of {image.shape[1]}×{image.shape[0]} pixels: "
                f"{first_line(error)}"
            ) from error
        answers = [value[0] for value in values]
        return self._form.own_pixels(answers, outputs, image) if self._form else answers

    def extended(self, part: bytes) -> "Session | None":
        """The same graph with a further one, serialized, put behind it; None where that cannot be.

        Its nodes may read every tensor of the first, and its outputs, which may be these tensors
        themselves, are then among the session's. Raises `ConvlensError` where both do not fit.
        """
        return None

    def graph(self) -> bytes | None:
        """The ONNX file's bytes; None where it is of another form."""
        return None

    @abstractmethod
    def _answer(
        self, pixels: npt.NDArray[Any], outputs: Sequence[str], constants: Mapping[str, Any]
    ) -> Sequence[npt.NDArray[Any]]:
        """These outputs, batch first, for what the graph takes."""


def first_line(error: Exception) -> str:
    """What an error of a runtime says, in short."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
