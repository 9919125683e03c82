"""What reaches ONNX Runtime: whole files of ours, and no operator that we never write."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from convlens import Detector
from convlens.detector.integrity import check_graph, seal, unseal
from convlens.errors import ConvlensError


def model(*operators: str) -> onnx.ModelProto:
    """A chain of such operators from pixels."""
    names = [f"t{n}" for n in range(len(operators) + 1)]
    nodes = [
        helper.make_node(operator, [names[n]], [names[n + 1]])
        for n, operator in enumerate(operators)
    ]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in names]
    graph = helper.make_graph(nodes, "g", values[:1], values[-1:])
    return helper.make_model(graph)


def refuse(made: onnx.ModelProto, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_graph(made.SerializeToString())


def test_the_seal_is_an_entry_of_metadata_to_everybody_else() -> None:
    sealed = seal(model("Relu").SerializeToString())
    read = onnx.load_from_string(sealed)
    assert [entry.key for entry in read.metadata_props] == ["sha256"]
    assert unseal(sealed) == model("Relu").SerializeToString()


@given(st.data())
def test_no_change_goes_unseen(data: st.DataObject) -> None:
    sealed = bytearray(seal(model("Relu", "Sigmoid").SerializeToString()))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="checksum"):
        unseal(bytes(sealed))
    with pytest.raises(ValueError, match="checksum"):
        unseal(bytes(sealed[:at]))


def test_what_we_write_passes(run: Path) -> None:
    data = (run / "detector.onnx").read_bytes()
    check_graph(unseal(data))
    # and our reader sees the graph as ONNX's own does: every node's operator is looked at
    found = onnx.load_from_string(data)
    for node in found.graph.node:
        node.op_type = "Loop"
        refuse(found, "the operator 'Loop'")
        break


@pytest.mark.parametrize("operator", ["Loop", "If", "Scan", "SequenceMap", "ReadFile", ""])
def test_operators_that_we_never_write_are_refused(operator: str) -> None:
    refuse(model("Relu", operator), "uses the operator")


def other_domain(made: onnx.ModelProto) -> str:
    made.graph.node[0].domain = "com.stranger"
    return "com.stranger Relu"


def other_opset(made: onnx.ModelProto) -> str:
    made.opset_import.append(helper.make_opsetid("com.stranger", 1))
    return "com.stranger"


def subgraph(made: onnx.ModelProto) -> str:
    made.graph.node[0].attribute.append(helper.make_attribute("body", made.graph))
    return "more than numbers"


def function(made: onnx.ModelProto) -> str:
    made.functions.append(onnx.FunctionProto(name="f"))
    return "functions"


def outside(made: onnx.ModelProto) -> str:
    tensor = made.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return "another file"


def too_short(made: onnx.ModelProto) -> str:
    tensor = made.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1000, 1000])
    tensor.raw_data = b"1234"
    return "holds 4 bytes"


def hidden_in_an_attribute(made: onnx.ModelProto) -> str:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], raw_data=b"1234")
    made.graph.node[0].attribute.append(helper.make_attribute("value", tensor))
    return "holds 4 bytes"


def negative(made: onnx.ModelProto) -> str:
    made.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[-1], raw_data=b"")
    return "has the shape"


def text(made: onnx.ModelProto) -> str:
    made.graph.initializer.add(name="w", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"])
    return "text"


def many(made: onnx.ModelProto) -> str:
    for _ in range(20_001):
        made.graph.node.add(op_type="Relu")
    return "more than 20,000"


@pytest.mark.parametrize(
    "spoil",
    [
        *(other_domain, other_opset, subgraph, function, outside),
        *(too_short, hidden_in_an_attribute, negative, text, many),
    ],
)
def test_what_a_stranger_could_add_is_refused(spoil: Callable[[onnx.ModelProto], str]) -> None:
    made = model("Relu", "Sigmoid")
    check_graph(made.SerializeToString())
    refuse(made, spoil(made))


@given(st.binary(max_size=300))
def test_bytes_that_are_no_message_are_refused_and_nothing_worse(data: bytes) -> None:
    with pytest.raises(ValueError):
        check_graph(data)


def test_the_detector_says_so(run: Path, tmp_path: Path) -> None:
    data = bytearray((run / "detector.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "d.onnx"
    path.write_bytes(data)
    with pytest.raises(ConvlensError, match=r"d\.onnx is not a convlens detector: .*damaged"):
        Detector(path)
    found = onnx.load_from_string((run / "detector.onnx").read_bytes())
    found.graph.node[1].domain = "com.stranger"
    with pytest.raises(ConvlensError, match=r"com\.stranger"):
        Detector(seal(bytes(unseal(seal(found.SerializeToString())))))
    assert Detector(run).probabilities(np.zeros((9, 9, 3), np.uint8)).sum() == pytest.approx(1)
