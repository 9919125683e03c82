"""An ONNX file that convlens wrote, checked and loaded into ONNX Runtime."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError, PictureError
from ..files import saying_where
from ..pictures.decode import RGB
from .integrity import check_graph, checksum, unseal

INPUT = "image"
SIZES, WINDOWS = "squash_to", "windows"
"""A constant: height and width [2] that the picture is squashed to. An output: logits
[N, K, down, across] of each window of the network's own size in it; one window, for that constant.
"""


def _field(number: int, data: bytes) -> bytes:
    """A field of protobuf's wire format, shorter than 128 bytes."""
    return bytes((number << 3 | 2, len(data))) + data


_PAIR = _field(1, b"\x08\x07" + _field(2, _field(1, b"\x08\x02")))
_SIZES_GIVEN = _field(7, _field(11, _field(1, SIZES.encode()) + _field(2, _PAIR)))
"""After a model, it makes that constant an input that may be left out: messages that follow each
other are one (an input in the file itself would make ONNX Runtime warn every other reader)."""


class Session:
    """A detector's graph on one core, with its metadata.

    Args:
        file: A `detector.onnx`, a run folder that holds one, or the file's bytes.

    Raises:
        ConvlensError: The file is no detector, or was changed since it was written.
    """

    def __init__(self, file: str | Path | bytes) -> None:
        import onnxruntime

        self.path: Path | None = None
        if isinstance(file, bytes):
            data = file
        else:
            self.path = Path(file)
            if self.path.is_dir():
                self.path = self.path / "detector.onnx"
            with saying_where(self.path, "read"):
                data = self.path.read_bytes()
        self.name = str(self.path or "the detector")
        try:
            check_graph(unseal(data))
        except ValueError as error:
            raise ConvlensError(f"{self.name} is not a convlens detector: {error}") from None
        self.digest = checksum(data)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                data + _SIZES_GIVEN, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
            inputs = [field.name for field in self._session.get_inputs()]
            self.shapes = {field.name: field.shape for field in self._session.get_outputs()}
        except Exception as error:  # ONNX Runtime raises many kinds of its own
            raise ConvlensError(
                f"{self.name} is not a convlens detector: {_first_line(error)}"
            ) from error
        if "labels" not in self.metadata:
            raise ConvlensError(
                f"{self.name} is an ONNX file without labels: it was not made by convlens"
            )
        if inputs != [INPUT]:
            raise ConvlensError(f"{self.name} is not a convlens detector: its input is another")

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
        try:
            values = self._session.run(outputs, {INPUT: image[None], **(constants or {})})
        except Exception as error:  # of ONNX Runtime, which raises many kinds
            raise ConvlensError(
                f"{self.name} failed on a picture of {image.shape[1]}×{image.shape[0]} pixels: "
                f"{_first_line(error)}"
            ) from error
        return [value[0] for value in values]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
