"""`--to tflite`: for LiteRT, whose converter takes torch's modules."""

import os
import tempfile
import warnings
from pathlib import Path

import onnx
import torch

from ...detector.sessions.input_form import InputForm
from ...pictures.canvas import shape_of
from ..quiet import no_log
from .torch_module import OnnxModule


def tflite(model: onnx.ModelProto, form: InputForm) -> bytes:
    """A graph for pictures of one size, as a flatbuffer.

    Raises `ConvlensError` where it has an operator that is not known here.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    module = OnnxModule(model).eval()
    example = torch.zeros(1, *shape_of(form.frame), 3, dtype=torch.uint8)
    with no_log(), warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        import litert_torch

        path = Path(folder) / "detector.tflite"
        litert_torch.convert(module, (example,)).export(str(path))
        return path.read_bytes()
