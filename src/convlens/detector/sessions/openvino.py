"""A detector in OpenVINO's form, run by OpenVINO."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ConvlensError, require
from ...parallel import cores
from .sealed import Sealed
from .session import Session, first_line

GRAPH, WEIGHTS = "detector.xml", "detector.bin"


class OpenVinoSession(Session):
    """Raises `ConvlensError` where OpenVINO is not installed or refuses the files."""

    runtime = "openvino"

    def __init__(self, sealed: Sealed, *, name: str) -> None:
        require("openvino", "openvino", what=f"{name} was made for OpenVINO, and running it")
        import openvino

        try:
            core = openvino.Core()
            weights = np.frombuffer(sealed.files[WEIGHTS], np.uint8)
            model = core.read_model(
                sealed.files[GRAPH], openvino.Tensor(np.ascontiguousarray(weights))
            )
            self._compiled = core.compile_model(
                model,
                "CPU",
                {  # a stream for each core, of one thread: a picture's answer is the same on all
                    "NUM_STREAMS": cores(),
                    "INFERENCE_NUM_THREADS": cores(),
                    "INFERENCE_PRECISION_HINT": "f32",
                    "CPU_RUNTIME_CACHE_CAPACITY": "0",  # else each new size takes tens of MB
                },
            )
        except Exception as error:
            raise ConvlensError(
                f"{name} is not a detector for OpenVINO: {first_line(error)}"
            ) from error
        shapes = {
            output.get_any_name(): [
                length.get_length() if length.is_static else "batch"
                for length in output.partial_shape
            ]
            for output in self._compiled.outputs
        }
        super().__init__(
            name,
            metadata=sealed.metadata,
            digest=sealed.digest,
            size=sum(map(len, sealed.files.values())),
            shapes=shapes,
        )
        self._threads = threading.local()

    def _answer(
        self, pixels: npt.NDArray[Any], outputs: Sequence[str], constants: Mapping[str, Any]
    ) -> Sequence[npt.NDArray[Any]]:
        if not hasattr(self._threads, "request"):
            self._threads.request = self._compiled.create_infer_request()
        answers = self._threads.request.infer([pixels])
        return [np.array(answers[name]) for name in outputs]
