"""A form whose features are others calls no more pictures strange."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convlens import Detector
from convlens.detector.integrity import unseal
from convlens.export.forms.strangeness import with_same_strangeness
from convlens.export.metadata import with_metadata
from helpers import draw


def brighter_is_stranger(run: Path, times: float) -> onnx.ModelProto:
    """The run's detector, to which a picture's mean level is its strangeness, so many times."""
    model = onnx.load_from_string(bytes(unseal((run / "detector.onnx").read_bytes())))
    graph = model.graph
    axes, factor = np.array([1, 2, 3]), np.float32(times / 255)
    for name, value in (("axes", axes), ("factor", factor)):
        graph.initializer.append(numpy_helper.from_array(value, name))
    graph.node.append(helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT))
    graph.node.append(helper.make_node("ReduceMean", ["levels", "axes"], ["mean"], keepdims=0))
    graph.node.append(helper.make_node("Mul", ["mean", "factor"], ["strangeness"]))
    graph.output.append(helper.make_tensor_value_info("strangeness", TensorProto.FLOAT, ["batch"]))
    return model


def test_the_same_pictures_are_strange_as_before(run: Path) -> None:
    original = Detector(with_metadata(brighter_is_stranger(run, 2.0), {}))
    stranger = brighter_is_stranger(run, 3.1)
    pictures = [draw("disc", number) for number in range(30)]
    assert Detector(with_metadata(stranger, {})).predict(pictures[0]).strangeness != pytest.approx(
        original.predict(pictures[0]).strangeness
    )
    same = with_same_strangeness(stranger, {}, original=original, pictures=pictures)
    form = Detector(with_metadata(same, {}))
    for picture in [*pictures, draw("cross", 99)]:
        before, after = original.predict(picture), form.predict(picture)
        assert after.strangeness == pytest.approx(before.strangeness, rel=1e-5)
        assert after.probability == before.probability


def test_a_detector_without_strangeness_stays(run: Path) -> None:
    model = onnx.load_from_string(bytes(unseal((run / "detector.onnx").read_bytes())))
    before = model.SerializeToString()
    same = with_same_strangeness(model, {}, original=Detector(run), pictures=[])
    assert same.SerializeToString() == before
