"""What `export` writes: the detector's answers in other runtimes, and in pages that people copy."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from convlens import Detector, compare, export_detector
from convlens.detector.integrity import unseal
from convlens.detector.sessions.input_form import InputForm
from convlens.errors import ConvlensError, UsageError
from convlens.export.export import export
from convlens.export.forms import export_detector as module
from convlens.export.forms.edge import edge
from convlens.export.forms.page import readme
from convlens.export.forms.torch_module import OnnxModule
from convlens.network.build import build
from convlens.network.spec import network
from convlens.pictures.resize import Resizer
from convlens.tasks.classification.objective import plain_objective
from helpers import Convlens, code_of, draw, package

PICTURES = [draw("disc", 5, 24, 24), draw("cross", 6, 90, 31), draw("disc", 7, 9, 200)]


def own_input(picture: np.ndarray, dtype: str, layout: str) -> np.ndarray:
    pixels = Resizer(24)(picture)[None].astype(dtype)
    return pixels.transpose(0, 3, 1, 2) if layout == "NCHW" else pixels


@pytest.mark.parametrize(
    ("dtype", "layout", "batch"), [("uint8", "NHWC", "1"), ("float32", "NCHW", "N")]
)
def test_edge_takes_resized_pixels_and_answers_as_the_detector(
    run: Path, tmp_path: Path, dtype: str, layout: str, batch: str
) -> None:
    out = tmp_path / "edge"
    export_detector(run, to="edge", out=out, dtype=dtype, layout=layout, batch=batch)
    model = onnx.load(out / "detector.onnx")
    assert "Resize" not in {node.op_type for node in model.graph.node}
    session = onnxruntime.InferenceSession(out / "detector.onnx")  # as anybody else would
    (given,) = session.get_inputs()
    lengths = [24, 24, 3] if layout == "NHWC" else [3, 24, 24]
    assert given.shape == [1 if batch == "1" else "batch", *lengths]
    before, after = Detector(run), Detector(out)
    inputs = [own_input(picture, dtype, layout) for picture in PICTURES]
    for picture, pixels in zip(PICTURES, inputs, strict=True):
        wanted = before.probabilities(picture)
        (plain,) = session.run(["probabilities"], {"image": pixels})
        assert plain[0] == pytest.approx(wanted, abs=1e-6)
        assert after.probabilities(picture) == pytest.approx(wanted, abs=1e-6)
    if batch == "N":
        (several,) = session.run(["probabilities"], {"image": np.concatenate(inputs)})
        assert several.shape == (3, 2)
    assert json.loads((out / "labels.json").read_text()) == list(before.labels)
    with pytest.raises(ConvlensError, match="exported form for pictures of one size"):
        after.find(PICTURES[1])


def test_edge_without_the_mirror_image_computes_half(run: Path, tmp_path: Path) -> None:
    whole = onnx.load(run / "detector.onnx")
    out = tmp_path / "edge"
    export_detector(run, to="edge", out=out, mirror=False)
    once = onnx.load(out / "detector.onnx")
    convolutions = [
        sum(node.op_type == "Conv" for node in model.graph.node) for model in (whole, once)
    ]
    assert convolutions == [6, 3]  # three layers, of which the last is the head
    before, after = Detector(run), Detector(out)
    assert 2 * int(after.metadata["multiplications"]) == int(before.metadata["multiplications"])
    for picture in PICTURES:
        views = [Resizer(24)(picture)]
        views.append(views[0][:, ::-1].copy())
        logits = [np.log(after.probabilities(view)) for view in views]
        mean = np.exp(sum(logits) / 2)
        wanted = before.probabilities(views[0])
        assert mean / mean.sum() == pytest.approx(wanted, abs=1e-5)


def test_the_pages_programs_answer_as_the_detector(
    run: Path, tmp_path: Path, need: Callable[..., str]
) -> None:
    out = tmp_path / "edge"
    export_detector(run, to="edge", out=out, dtype="float32", layout="NCHW")
    picture, wanted = PICTURES[1], Detector(run).probabilities(PICTURES[1])
    Image.fromarray(picture).save(out / "picture.png")
    command = [sys.executable, "-c", code_of(out / "README.md", "python"), "picture.png"]
    said = subprocess.run(command, cwd=out, check=True, capture_output=True, text=True).stdout
    assert json.loads(said) == pytest.approx(
        dict(zip(["cross", "disc"], wanted.tolist(), strict=True)), abs=0.01
    )
    height, width = picture.shape[:2]
    script = code_of(out / "README.md", "javascript") + (
        f"const input = toInput({picture.ravel().tolist()}, {height}, {width}, 3);"
        "console.log(JSON.stringify([...input]));"
    )
    said = subprocess.run(
        [need("node")], input=script, check=True, capture_output=True, text=True
    ).stdout
    levels = np.array(json.loads(said)) - own_input(picture, "float32", "NCHW").ravel()
    assert np.abs(levels).max() <= 1
    assert (levels != 0).mean() < 0.1


@pytest.mark.parametrize(("dtype", "layout"), [("uint8", "NHWC"), ("float32", "NCHW")])
def test_the_pages_java_resizes_as_the_detector(
    tmp_path: Path, run: Path, need: Callable[..., str], dtype: str, layout: str
) -> None:
    (tmp_path / "page.md").write_text(
        readme("edge", InputForm(24, "1", dtype, layout), Detector(run))
    )
    picture = PICTURES[1]
    height, width = picture.shape[:2]
    packed = (picture.astype(int) << [16, 8, 0]).sum(2).ravel().tolist()
    main = f"""
        class Main {{
          public static void main(String[] words) {{
            int[] pixels = {{{str(packed)[1:-1]}}};
            for (var level : Edge.toInput(pixels, {height}, {width}))
              System.out.println((int) level & 255);
          }}
        }}"""
    (tmp_path / "Main.java").write_text(main + code_of(tmp_path / "page.md", "java"))
    command = [need("java"), str(tmp_path / "Main.java")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wanted = own_input(picture, dtype, layout).ravel().astype(int)
    levels = np.array(said.split(), int) - wanted
    assert np.abs(levels).max() <= 1
    assert (levels != 0).mean() < 0.1


def test_float16_halves_the_weights(run: Path, tmp_path: Path) -> None:
    exported = export_detector(run, to="float16", out=tmp_path / "half")
    before, after = (
        {t.name: t for t in onnx.load(folder / "detector.onnx").graph.initializer}
        for folder in (run, tmp_path / "half")
    )
    halved = [name for name in after if name.endswith(":float16")]
    assert halved
    for name in halved:
        whole = before[name.removesuffix(":float16")]
        assert 2 * len(after[name].raw_data) == len(whole.raw_data)
    assert exported.proof.agreement == 1
    assert Detector(tmp_path / "half").find(PICTURES[1]).heat is not None
    heat_map = Detector(tmp_path / "half").heat_map(PICTURES[1])
    assert heat_map.evidence == pytest.approx(Detector(run).heat_map(PICTURES[1]).evidence, abs=0.1)


def test_int8_keeps_the_first_layer_and_the_head_in_float(run: Path, tmp_path: Path) -> None:
    exported = export_detector(run, to="int8", out=tmp_path / "int8")
    graph = onnx.load(tmp_path / "int8" / "detector.onnx").graph
    made = {name: node.op_type for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    weights = [made.get(node.input[1]) for node in convolutions]
    # each once for each view
    assert weights == [None, None, "DequantizeLinear", "DequantizeLinear", None, None]
    scales = {t.name: t for t in graph.initializer if list(t.dims) == [16]}
    assert any(name.endswith("_scale") for name in scales)  # one for each channel
    assert Detector(tmp_path / "int8").heat_map(PICTURES[1]).method == "class activation map"
    assert exported.after.accuracy >= exported.before.accuracy - 0.05


def resident() -> float:
    """Bytes of memory that this process has; 0 where the system does not tell."""
    path = Path("/proc/self/statm")
    return 4096.0 * int(path.read_text().split()[1]) if path.exists() else 0.0


def test_openvino_takes_pictures_of_any_size(run: Path, tmp_path: Path) -> None:
    openvino = package("openvino")
    out = tmp_path / "openvino"
    exported = export_detector(run, to="openvino", out=out)
    assert exported.proof.largest_difference < 1e-5
    before, after = Detector(run), Detector(out)
    assert after.runtime == "openvino"
    plain = openvino.Core().compile_model(out / "detector.xml", "CPU")
    for picture in PICTURES:
        wanted = before.probabilities(picture)
        assert after.probabilities(picture) == pytest.approx(wanted, abs=0.02)
        assert plain(picture[None])["probabilities"][0] == pytest.approx(wanted, abs=0.02)
    kept = resident()
    for side in range(600, 800, 10):
        after.probabilities(np.zeros((side, 1400 - side, 3), np.uint8))
    assert resident() - kept < 200e6  # nothing is kept for each size
    weights = bytearray((out / "detector.bin").read_bytes())
    weights[7] ^= 1
    (out / "detector.bin").write_bytes(weights)
    with pytest.raises(ConvlensError, match=r"detector\.bin: its checksum differs"):
        Detector(out)


def test_tflite_answers_in_litert(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="needs convlens[tflite], about a gigabyte")
    from ai_edge_litert.interpreter import Interpreter

    out = tmp_path / "tflite"
    exported = export_detector(run, to="tflite", out=out)
    assert exported.proof.largest_difference < 1e-5
    before, after = Detector(run), Detector(out / "detector.tflite")
    assert after.runtime == "ai-edge-litert"
    plain = Interpreter(str(out / "detector.tflite")).get_signature_runner()
    for picture, answer in zip(PICTURES, after.predict_many(PICTURES), strict=True):
        wanted = before.probabilities(picture)
        assert answer.probabilities == pytest.approx(wanted, abs=1e-5)
        given = own_input(picture, "uint8", "NHWC")
        assert plain(args_0=given)["output_0"][0] == pytest.approx(wanted, abs=1e-5)
    Image.fromarray(PICTURES[1]).save(out / "picture.png")
    command = [sys.executable, "-c", code_of(out / "README.md", "python"), "picture.png"]
    said = subprocess.run(command, cwd=out, check=True, capture_output=True, text=True).stdout
    answers = before.probabilities(PICTURES[1]).tolist()
    assert json.loads(said) == pytest.approx(
        dict(zip(["cross", "disc"], answers, strict=True)), abs=0.01
    )


LINES = [
    "conv 6 5x5 stride 2, relu, pool 2, norm, residual [conv 6 3x3 same, norm] silu, dense 9",
    "conv 8 3x3 same, norm, avgpool 2, sigmoid, gap",
]


@pytest.mark.parametrize("line", LINES)
def test_the_graph_as_a_torch_module_computes_the_same(line: str) -> None:
    network_module = build(network(line, 24, classes=3), 0, tta_hflip=True).eval()
    data = export(network_module, 24, labels="abc", metadata={}, objective=plain_objective(3))
    model = edge(onnx.load_from_string(bytes(unseal(data))), InputForm(24), mirror=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    picture = np.random.default_rng(0).integers(0, 256, (1, 24, 24, 3)).astype(np.uint8)
    wanted = session.run(None, {"image": picture})
    with torch.inference_mode():
        found = OnnxModule(model).eval()(torch.from_numpy(picture))
    for one, other in zip(found, wanted, strict=True):
        assert one.numpy() == pytest.approx(other, abs=1e-6)


def test_what_export_wrote_is_a_detector_to_every_command(
    run: Path, shapes: Path, tmp_path: Path, convlens: Convlens
) -> None:
    out = tmp_path / "edge"
    said = convlens("export", run, "--to", "edge", "--out", out, "--quiet")
    assert said.returncode == 0
    assert "on 32 held-out pictures" in said.stdout
    predicted = convlens("predict", out, shapes / "disc" / "001.png", "--json")
    assert json.loads(predicted.stdout)[0]["predicted"] == "disc"
    found = json.loads(convlens("evaluate", out, out / "manifest.csv", "--json").stdout)
    assert found["n"] == 32
    assert compare([run, out]).contenders[1].p == 1.0
    assert "exists" in convlens("export", run, "--to", "edge", "--out", out).stderr


def test_a_form_that_answers_otherwise_is_not_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convlens.export.forms import edge as edge_module
    from convlens.export.forms import float16

    def spoiled(model: onnx.ModelProto, *_: object, **__: object) -> onnx.ModelProto:
        head = [node for node in model.graph.node if node.op_type == "Conv"][-1]
        tensor = next(t for t in model.graph.initializer if t.name == head.input[1])
        values = onnx.numpy_helper.to_array(tensor)
        tensor.CopyFrom(onnx.numpy_helper.from_array(-values, tensor.name))
        return model

    right = edge_module.edge
    monkeypatch.setattr(
        edge_module, "edge", lambda model, form, mirror: spoiled(right(model, form, mirror=mirror))
    )
    with pytest.raises(ConvlensError, match=r"does not answer as detector\.onnx.*not written"):
        export_detector(run, to="edge", out=tmp_path / "edge")
    monkeypatch.setattr(float16, "float16", spoiled)
    with pytest.raises(ConvlensError, match=r"more than the 0\.5% that are allowed"):
        export_detector(run, to="float16", out=tmp_path / "half")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"to": "paper"}, "it can be edge, openvino, float16, int8, tflite, browser"),
        ({"to": "edge", "layout": "HWC"}, "--layout HWC: it can be NHWC or NCHW"),
        ({"to": "int8", "batch": "N"}, "go with --to edge"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        module.export_detector(tmp_path, out=tmp_path / "out", **options)  # type: ignore[arg-type]
