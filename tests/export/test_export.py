"""The detector file: sound, self-contained, and the same answers as the network."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from convlens import Detector
from convlens.dataset.examples import to_float
from convlens.dataset.prepare import prepare
from convlens.detector.evaluate import evaluate_catalog
from convlens.detector.integrity import seal, unseal
from convlens.errors import ConvlensError
from convlens.export.export import export, resize_graph
from convlens.export.parity import SECONDS, check_parity, seconds_within
from convlens.network.build import build
from convlens.network.spec import network
from convlens.options import DataOptions
from convlens.pictures.read import read_catalog
from convlens.pictures.resize import Resizer
from convlens.pictures.source import Source
from convlens.tasks.answers import Prediction
from convlens.tasks.classification.objective import plain_objective
from helpers import draw

LINES = [
    "conv 6 5x5, pool 2, norm, dense 12, dropout 0.5",
    "conv 8 3x3 same stride 2, norm, residual [conv 8 3x3 same, norm] silu, avgpool 2, gap",
    "local 3 3x3 same stride 2, tanh, pool 3 stride 2 same, dense 5, gelu, norm",
]

OBJECTIVE = plain_objective(2)


def random_pictures(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    shapes = random.integers(1, 90, (count, 2))
    return [random.integers(0, 256, (h, w, 3)).astype(np.uint8) for h, w in shapes]


@pytest.mark.parametrize("line", LINES)
def test_file_and_network_agree_over_1000_pictures_of_mixed_sizes(line: str) -> None:
    module = build(network(line, 24, classes=4), 0).eval()
    for buffer in module.buffers():  # as if trained: statistics that are not the initial ones
        if buffer.dtype == torch.float32 and buffer.ndim == 1:
            buffer.copy_(torch.rand(buffer.shape) + 0.5)
    detector = Detector(
        export(module, 24, labels=("2", "10", "b", "a"), metadata={}, objective=OBJECTIVE)
    )
    resize = Resizer(24)
    for picture in random_pictures(1000):
        with torch.inference_mode():
            pixels = torch.from_numpy(resize(picture)[None])
            own = torch.softmax(module(to_float(pixels)), 1)[0].numpy()
        assert np.abs(detector.probabilities(picture) - own).max() < 1e-4


def multiplications_of(model: onnx.ModelProto) -> int:
    """Products of convolutions and matrices in the graph, for one picture, from its shapes."""
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    for node in model.graph.node:  # so that every tensor's shape comes out
        model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in node.output)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {"image": np.zeros((1, 24, 24, 3), np.uint8)})
    shapes |= {name: value.shape for name, value in zip(names, values, strict=True)}
    total = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            total += int(np.prod(shapes[node.output[0]]) * np.prod(shapes[node.input[1]][1:]))
        elif node.op_type in {"Gemm", "MatMul"}:
            total += int(np.prod(shapes[node.output[0]])) * shapes[node.input[0]][-1]
    return total


@pytest.mark.parametrize("line", [LINES[0], LINES[2]])
def test_multiplications_are_those_of_the_file_with_the_mirror_image(line: str) -> None:
    spec = network(line, 24, classes=2)
    module = build(spec, 0, tta_hflip=True)
    file = export(module, 24, labels=("a", "b"), metadata={}, objective=OBJECTIVE)
    told = int(Detector(file).metadata["multiplications"])
    assert told == 2 * spec.total().multiplications
    assert told == multiplications_of(onnx.load_from_string(file))


def test_the_file_is_sound_and_says_nothing_of_where_or_when_it_was_made(run: Path) -> None:
    data = (run / "detector.onnx").read_bytes()
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    (given,), (answer, windows) = model.graph.input, model.graph.output
    assert [given.name, answer.name, windows.name] == ["image", "probabilities", "windows"]
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    dims = [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim]
    assert dims == ["batch", "height", "width", 3]
    assert model.opset_import[0].version >= 18
    for word in (b"/tmp", b"/home", b"site-packages", b".py", str(run.parent).encode(), b"2026"):
        assert word not in data
    assert not any(t.external_data for t in model.graph.initializer)
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(about["labels"]) == ["cross", "disc"]
    assert json.loads(about["metrics"])["n"] == 32
    assert about["network"].startswith("conv 8 3x3 same, norm")


def test_equal_parameters_make_equal_bytes() -> None:
    line = LINES[1]
    files = {
        export(
            build(network(line, 24, classes=2), 0),
            24,
            labels=("a", "b"),
            metadata={"n": 1},
            objective=OBJECTIVE,
        )
        for _ in range(2)
    }
    assert len(files) == 1


def test_a_batch_of_pictures_runs_in_plain_onnxruntime(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    session = onnxruntime.InferenceSession(run / "detector.onnx")
    batch = np.stack([draw("disc", n) for n in range(5)])
    answers, windows = session.run(None, {"image": batch})
    assert windows.shape == (5, 2, 1, 1)
    assert capfd.readouterr().err == ""  # it warns of nothing
    detector = Detector(run)
    assert answers.sum(1) == pytest.approx(np.ones(5))
    for picture, answer in zip(batch, answers, strict=True):
        assert detector.probabilities(picture) == pytest.approx(answer, abs=1e-6)


def test_the_graph_is_of_the_oldest_form_that_has_its_operators(run: Path) -> None:
    model = onnx.load_from_string(bytes(unseal((run / "detector.onnx").read_bytes())))
    assert model.ir_version == onnx.helper.find_min_ir_version_for(list(model.opset_import))
    (opset,) = model.opset_import
    newest = max(
        onnx.defs.get_schema(node.op_type, opset.version).since_version for node in model.graph.node
    )
    assert opset.version == newest  # that of Resize, whose antialias is new in it


def test_the_store_resizes_with_the_operator_of_the_file() -> None:
    kept = Path(__file__).parents[2] / "src/convlens/pictures/resize.onnx"
    made = resize_graph().SerializeToString(deterministic=True)
    assert kept.read_bytes() == made
    module = build(network("dense 3", 24, classes=2), 0)
    model = onnx.load_from_string(
        export(module, 24, labels=("a", "b"), metadata={}, objective=OBJECTIVE)
    )
    (alone,) = onnx.load_from_string(made).graph.node
    inside = next(node for node in model.graph.node if node.op_type == "Resize")
    assert list(alone.attribute) == list(inside.attribute)


def test_export_is_refused_where_file_and_network_differ(shapes: Path) -> None:
    dataset = prepare(shapes, DataOptions(size=24), progress=lambda *_: None)
    module = build(network("dense 3", 24, classes=2), 0)
    detector = Detector(
        export(module, 24, labels=dataset.classes, metadata={}, objective=OBJECTIVE)
    )
    check = partial(
        check_parity,
        module,
        detector,
        catalog=dataset.subset("val"),
        objective=OBJECTIVE,
        stored=dataset.examples("val"),
        seed=0,
        progress=lambda *_: None,
        pictures=60,
    )
    parity, known = check()
    assert parity.comparisons == 60
    assert parity.largest_difference < 1e-6
    assert parity.store_agreement == 1.0
    val = dataset.subset("val")
    assert known
    for row, answer in known.items():
        again = detector.predict(val.sources[row])
        assert detector.task.rows(answer) == detector.task.rows(again)
    with torch.no_grad():
        next(module.parameters()).add_(0.01)
    with pytest.raises(ConvlensError, match=r"not answer as the trained network.*not written"):
        check()


def test_what_the_proof_has_answered_is_not_answered_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = read_catalog(run / "manifest.csv").take(range(20))
    detector, quiet = Detector(run), lambda *_: None
    whole = evaluate_catalog(detector, catalog, progress=quiet)
    known = {row: detector.predict(catalog.sources[row]) for row in (0, 3, 19)}
    asked: list[str] = []
    predict = Detector.predict_source

    def counted(self: Detector, source: Source) -> Prediction:
        asked.append(source.name)
        return predict(self, source)

    monkeypatch.setattr(Detector, "predict_source", counted)
    again = evaluate_catalog(detector, catalog, progress=quiet, known=known)
    assert sorted(asked) == sorted(s.name for k, s in enumerate(catalog.sources) if k not in known)
    assert again.metrics.as_json() == whole.metrics.as_json()


def test_the_same_picture_saved_in_each_way_predicts_alike(run: Path, tmp_path: Path) -> None:
    picture = Image.fromarray(draw("disc", 200))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.bmp")
    picture.save(tmp_path / "c.tiff")
    picture.save(tmp_path / "d.webp", lossless=True)
    picture.rotate(90, expand=True).save(tmp_path / "e.png", exif=exif)
    picture.convert("RGBA").save(tmp_path / "f.png")
    picture.save(tmp_path / "g.jpg", quality=98, subsampling=0)
    picture.convert("CMYK").save(tmp_path / "h.tif")
    answers = list(Detector(run).predict_many(tmp_path))
    assert len(answers) == 8
    assert {answer.predicted for answer in answers} == {answers[0].predicted}
    exact = {answer.probability for answer in answers[:6]}
    assert len(exact) == 1
    assert answers[6].probability == pytest.approx(answers[0].probability, abs=0.02)


@pytest.mark.parametrize("content", [b"", b"not an onnx file", b"\x08\x08"])
def test_what_is_no_detector_is_a_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(ConvlensError, match=r"x\.onnx is not a convlens detector"):
        Detector(path)


def test_another_onnx_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "resize.onnx"
    path.write_bytes(resize_graph().SerializeToString())
    with pytest.raises(ConvlensError, match="no checksum of convlens"):
        Detector(path)
    path.write_bytes(seal(path.read_bytes()))
    with pytest.raises(ConvlensError, match="not made by convlens"):
        Detector(path)


def test_a_reader_of_pixels_must_give_pixels(run: Path) -> None:
    detector = Detector(run)
    with pytest.raises(ConvlensError, match="uint8"):
        detector.probabilities(np.zeros((8, 8, 3), np.float32))


def test_little_time_is_little_proving() -> None:
    assert seconds_within(None) == SECONDS
    assert seconds_within(5) == SECONDS
    assert seconds_within(0.1) == pytest.approx(1.2)
