"""A detector in TensorFlow Lite's form, run by LiteRT."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from ...errors import ConvlensError, require
from .sealed import Sealed
from .session import Session, first_line

FLATBUFFER = "detector.tflite"


class LiteRtSession(Session):
    """Raises `ConvlensError` where LiteRT is not installed or refuses the file."""

    runtime = "ai-edge-litert"

    def __init__(self, sealed: Sealed, *, name: str) -> None:
        require("ai_edge_litert", "tflite", what=f"{name} was made for LiteRT, and running it")
        self._content = sealed.files[FLATBUFFER]
        self._names = sealed.metadata["outputs"].split(",")
        self._threads = threading.local()
        try:
            details = self._runner.get_output_details()
            shapes = {
                name: list(details[f"output_{n}"]["shape"]) for n, name in enumerate(self._names)
            }
        except Exception as error:
            raise ConvlensError(
                f"{name} is not a detector for LiteRT: {first_line(error)}"
            ) from error
        super().__init__(
            name,
            metadata=sealed.metadata,
            digest=sealed.digest,
            size=len(self._content),
            shapes=shapes,
        )

    @property
    def _runner(self) -> Any:
        """This thread's own: they keep the picture that they work at."""
        if not hasattr(self._threads, "runner"):
            from ai_edge_litert.interpreter import Interpreter

            interpreter = Interpreter(model_content=self._content, num_threads=1)
            self._threads.runner = interpreter.get_signature_runner()
        return self._threads.runner

    def _answer(
        self, pixels: npt.NDArray[Any], outputs: Sequence[str], constants: Mapping[str, Any]
    ) -> Sequence[npt.NDArray[Any]]:
        answers = self._runner(args_0=pixels)
        return [answers[f"output_{self._names.index(name)}"] for name in outputs]
