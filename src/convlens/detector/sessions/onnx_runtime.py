"""An ONNX file that convlens wrote, checked and loaded into ONNX Runtime."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy.typing as npt

from ...errors import ConvlensError
from ..integrity import check_graph, checksum, unseal
from .optimized import optimized_session
from .protobuf import field
from .session import INPUT, SIZES, Session, first_line

_PAIR = field(1, b"\x08\x07" + field(2, field(1, b"\x08\x02")))
_SIZES_GIVEN = field(7, field(11, field(1, SIZES.encode()) + field(2, _PAIR)))
"""After a model, it makes that constant an input that may be left out: messages that follow each
other are one (an input in the file itself would make ONNX Runtime warn every other reader)."""


def load(
    data: bytes,
    *,
    name: str,
    what: str = "a convlens detector",
    more: bytes = b"",
    part: bytes = b"",
) -> Any:
    """A sealed file in ONNX Runtime, on one core.

    `part` is a further graph and `more` anything that is to stand behind it. Raises `ConvlensError`
    where the file is not `what` it should be.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    make = partial(
        onnxruntime.InferenceSession, providers=["CPUExecutionProvider"], enable_fallback=0
    )
    try:
        if part:
            check_graph(unseal(data))
            check_graph(part)
            return make(data + part + more, options)
        return optimized_session(
            data, more, make, options=options, check=lambda: check_graph(unseal(data))
        )
    except Exception as error:  # ONNX Runtime raises many kinds of its own
        raise ConvlensError(f"{name} is not {what}: {first_line(error)}") from error


class OnnxSession(Session):
    """A sealed ONNX file's bytes in ONNX Runtime. Raises `ConvlensError` where it is none."""

    runtime = "onnxruntime"

    def __init__(self, data: bytes, *, name: str, part: bytes = b"") -> None:
        self._data = data
        resizes = SIZES.encode() in data  # a form may leave that to its caller
        self._session = load(
            data,
            name=name,
            what="a convlens detector",
            part=field(7, part) if part else b"",
            more=_SIZES_GIVEN * resizes,
        )
        metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        inputs = [given.name for given in self._session.get_inputs()]
        shapes = {output.name: output.shape for output in self._session.get_outputs()}
        super().__init__(
            name, metadata=metadata, digest=checksum(data), size=len(data), shapes=shapes
        )
        if inputs != [INPUT]:
            raise ConvlensError(f"{name} is not a convlens detector: its input is another")

    def extended(self, part: bytes) -> "OnnxSession":
        """See `Session`."""
        return OnnxSession(self._data, name=self.name, part=part)

    def graph(self) -> bytes:
        """See `Session`."""
        return self._data

    def _answer(
        self, pixels: npt.NDArray[Any], outputs: Sequence[str], constants: Mapping[str, Any]
    ) -> Sequence[npt.NDArray[Any]]:
        values: list[npt.NDArray[Any]] = self._session.run(outputs, {INPUT: pixels, **constants})
        return values
