"""`--to openvino`: OpenVINO's own graph and weights, pictures of any size in."""

import onnx

from ...detector.sessions.input_form import InputForm
from ...detector.sessions.openvino import GRAPH, WEIGHTS
from ...detector.sessions.session import INPUT
from .graph import without_resize


def openvino(model: onnx.ModelProto, side: int) -> dict[str, bytes]:
    """The files' names and bytes.

    OpenVINO leaves `antialias` out of ONNX's resize, without a word. So the resize is its own, made
    after Pillow's, which is within one level of the detector's.
    """
    import tempfile
    from pathlib import Path

    import openvino as ov
    from openvino.preprocess import PrePostProcessor, ResizeAlgorithm

    without_resize(model, InputForm(side, batch="N"))
    read = ov.Core().read_model(model.SerializeToString())
    steps = PrePostProcessor(read)
    given = steps.input()
    given.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    given.tensor().set_spatial_dynamic_shape()
    given.model().set_layout(ov.Layout("NHWC"))
    given.preprocess().resize(ResizeAlgorithm.RESIZE_BILINEAR_PILLOW)
    whole = steps.build()
    whole.input().set_names({INPUT})
    with tempfile.TemporaryDirectory() as folder:
        ov.save_model(whole, Path(folder) / GRAPH, compress_to_fp16=False)
        return {name: (Path(folder) / name).read_bytes() for name in (GRAPH, WEIGHTS)}
