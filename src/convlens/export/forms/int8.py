"""`--to int8`: convolutions in whole numbers, their ranges measured on training pictures."""

from collections.abc import Iterable, Iterator
from typing import Any

import onnx

from ...detector.sessions.session import INPUT
from ...pictures.decode import RGB
from ..quiet import no_log
from .graph import body

CALIBRATION = 100
"""Training pictures on which ranges are measured."""


def int8(model: onnx.ModelProto, pictures: Iterable[RGB]) -> onnx.ModelProto:
    """Static quantization, weights per channel; the ends of the network stay float.

    These are the resize and the first layer, which costs little and loses most, the head and
    strangeness.

    Weights take 7 bits: in processors without VNNI, sums of products of 8 bits overflow, so the
    file would answer differently there.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Pictures(CalibrationDataReader):  # type: ignore[misc]
        """A picture at a time, as the quantizer asks."""

        def __init__(self) -> None:
            self._feeds: Iterator[dict[str, Any]] = ({INPUT: p[None]} for p in pictures)

        def get_next(self) -> dict[str, Any] | None:
            """The next, or None behind the last."""
            return next(self._feeds, None)

    _named(model)
    kept = [name for name in (node.name for node in model.graph.node) if name]
    weighted = set(body(model))
    return _quantized(
        quantize_static,
        model,
        Pictures(),
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv", "Gemm", "MatMul", "Add", "Clip", "Relu"],
        nodes_to_exclude=[name for name in kept if name not in weighted],
    )


def _named(model: onnx.ModelProto) -> None:
    """Give every node a name, by which the quantizer knows it."""
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"


def _quantized(
    quantize: Any, model: onnx.ModelProto, reader: Any, **options: Any
) -> onnx.ModelProto:
    """What the quantizer writes into a file."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        with no_log():  # it recommends a step that was taken
            quantize(model, path, reader, **options)
        return onnx.load(path)
