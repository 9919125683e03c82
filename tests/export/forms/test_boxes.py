"""What `export` writes of a detector of boxes: the same boxes in other runtimes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from convlens import Detector, compare, export_detector
from convlens.detector.sessions.input_form import InputForm
from convlens.errors import UsageError
from convlens.export.forms.page import readme
from convlens.pictures.canvas import Canvas
from convlens.serving.app import create_app
from convlens.tasks.boxes.comparing import BoxComparing
from helpers import Convlens, code_of, package

SIZES = [(128, 96), (50, 140), (333, 90), (9, 300)]


@pytest.fixture(scope="module")
def photos(objects: Path) -> list[np.ndarray]:
    """A few of the pictures, in mixed sizes."""
    paths = sorted((objects / "images").glob("*.png"))
    return [
        np.asarray(Image.open(path).resize(size)) for path, size in zip(paths, SIZES, strict=False)
    ]


def operators(file: Path) -> set[str]:
    return {node.op_type for node in onnx.load(file).graph.node}


@pytest.mark.parametrize(
    ("dtype", "layout", "batch"), [("uint8", "NHWC", "1"), ("float32", "NCHW", "N")]
)
def test_edge_takes_pictures_on_their_canvas(
    boxes_run: Path, tmp_path: Path, photos: list[np.ndarray], dtype: str, layout: str, batch: str
) -> None:
    out = tmp_path / "edge"
    exported = export_detector(
        boxes_run, to="edge", out=out, dtype=dtype, layout=layout, batch=batch
    )
    assert exported.measure == "AP50"
    assert exported.before.accuracy == exported.after.accuracy > 0.5
    assert (exported.only_before, exported.only_after, exported.p) == (0, 0, 1.0)
    assert exported.proof.largest_difference < 1e-4
    assert exported.proof.largest_difference_pixels is not None
    assert exported.proof.largest_difference_pixels < 0.01
    assert exported.proof.agreement == 1
    assert "NonMaxSuppression" in operators(out / "detector.onnx")
    assert "Pad" not in operators(out / "detector.onnx")
    before, after = Detector(boxes_run), Detector(out)
    canvas = before.frame
    assert isinstance(canvas, Canvas)
    session = onnxruntime.InferenceSession(out / "detector.onnx")  # as anybody else would
    sides = [canvas.height, canvas.width]
    lengths = [*sides, 3] if layout == "NHWC" else [3, *sides]
    assert session.get_inputs()[0].shape == [1 if batch == "1" else "batch", *lengths]
    given = []
    for photo in photos:
        for wanted, own in zip(before.outputs(photo), after.outputs(photo), strict=True):
            assert own == pytest.approx(wanted, abs=1e-3)
        pixels = canvas.place(photo)[None].astype(dtype)
        given.append(pixels.transpose(0, 3, 1, 2) if layout == "NCHW" else pixels)
    several = np.concatenate(given) if batch == "N" else given[2]
    answers = session.run(["boxes", "scores"], {"image": several})
    boxes, scores = (answer[2 if batch == "N" else 0] for answer in answers)
    height, width = photos[2].shape[:2]
    of_file = before.outputs(photos[2])
    assert canvas.own_pixels(boxes, height, width) == pytest.approx(of_file[0], abs=1e-3)
    assert scores == pytest.approx(of_file[1], abs=1e-5)


def test_half_and_whole_numbers_keep_the_heads_and_find_as_much(
    boxes_run: Path, tmp_path: Path, convlens: Convlens
) -> None:
    half = export_detector(boxes_run, to="float16", out=tmp_path / "half")
    assert half.after.megabytes < 0.6 * half.before.megabytes
    assert half.after.accuracy == pytest.approx(half.before.accuracy, abs=0.02)
    said = convlens("export", boxes_run, "--to", "int8", "--out", tmp_path / "int8", "--quiet")
    assert "AP50" in said.stdout
    assert "of the boxes are the same" in said.stdout
    graph = onnx.load(tmp_path / "int8" / "detector.onnx").graph
    made = {name: node.op_type for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    whole = {n.name for n in convolutions if made.get(n.input[1]) == "DequantizeLinear"}
    first, second = list(dict.fromkeys(node.input[1] for node in convolutions))[:2]
    assert "conv_stem" in first
    assert "conv_dw" in second
    ends = {node.name for node in convolutions if node.input[1] in {first, second}}
    assert len(ends) == 4  # of the picture and its mirror image
    heads = {node.name for node in convolutions if "/head/" in node.name}
    assert heads
    assert whole == {node.name for node in convolutions} - heads - ends
    found = compare([boxes_run, tmp_path / "half", tmp_path / "int8"])
    assert found.measure == "AP50"
    assert found.pictures == 12


def test_openvino_takes_pictures_of_any_size(
    boxes_run: Path, tmp_path: Path, photos: list[np.ndarray]
) -> None:
    package("openvino")
    out = tmp_path / "openvino"
    exported = export_detector(boxes_run, to="openvino", out=out)
    assert exported.proof.largest_difference < 1e-4
    before, after = Detector(boxes_run), Detector(out)
    assert after.runtime == "openvino"
    for photo in photos:
        apart = BoxComparing().difference(before.outputs(photo), after.outputs(photo))
        assert apart.score < 0.05
    assert program_says(out, photos[2]) == pytest.approx(boxes_of(after, photos[2]), abs=0.1)


def program_says(out: Path, photo: np.ndarray) -> list[float]:
    """All numbers that the page's program in Python prints."""
    Image.fromarray(photo).save(out / "picture.png")
    command = [sys.executable, "-c", code_of(out / "README.md", "python"), "picture.png"]
    said = subprocess.run(command, cwd=out, check=True, capture_output=True, text=True).stdout
    return [
        number
        for line in map(json.loads, said.splitlines())
        for number in (line["score"], *line["box"])
    ]


def boxes_of(detector: Detector, photo: np.ndarray) -> list[float]:
    found: Any = detector.predict(photo)
    return [number for one in found.objects for number in (one.score, *one.box)]


def test_what_export_wrote_is_a_detector_to_every_command(
    boxes_run: Path, objects: Path, tmp_path: Path, convlens: Convlens, photos: list[np.ndarray]
) -> None:
    out = tmp_path / "edge"
    assert convlens("export", boxes_run, "--to", "edge", "--out", out, "--quiet").returncode == 0
    photo = next(photo for photo in photos if boxes_of(Detector(boxes_run), photo))
    assert program_says(out, photo) == pytest.approx(boxes_of(Detector(out), photo), abs=0.5)
    picture = objects / "images" / "002.png"
    answers = [
        json.loads(convlens(command, run, picture, "--json", *more).stdout)[0]
        for command, more in (("predict", ()), ("find", ("--out", tmp_path / "drawn")))
        for run in (boxes_run, out)
    ]
    assert answers[0]["counts"] == answers[1]["counts"]
    assert len(answers[2]["findings"]) == len(answers[3]["findings"])
    found = json.loads(convlens("evaluate", out, out / "manifest.csv", "--json").stdout)
    assert found["n"] == 12
    assert compare([boxes_run, out]).contenders[1].p == 1.0
    client = TestClient(create_app(Detector(out)))
    answer = client.post("/predict", files={"files": picture.read_bytes()}).json()
    assert answer["predictions"][0]["counts"] == answers[0]["counts"]


@pytest.mark.parametrize("language", ["javascript", "java"])
def test_the_pages_programs_lay_pictures_on_the_canvas(
    boxes_run: Path,
    tmp_path: Path,
    photos: list[np.ndarray],
    need: Callable[..., str],
    language: str,
) -> None:
    canvas = Canvas(32, 64)
    text = readme("edge", InputForm(canvas, "1", "float32", "NHWC"), Detector(boxes_run))
    (tmp_path / "page.md").write_text(text)
    code = code_of(tmp_path / "page.md", language)
    for photo in photos[1:3]:
        height, width = photo.shape[:2]
        if language == "javascript":
            call = f"toInput({photo.ravel().tolist()}, {height}, {width}, 3)"
            (tmp_path / "main.js").write_text(f"{code}\nconsole.log(...{call});")
            command = [need("node"), str(tmp_path / "main.js")]
        else:
            packed = ",".join(map(str, (photo.astype(int) << [16, 8, 0]).sum(2).ravel()))
            (tmp_path / "pixels").write_text(packed)
            main = f"""class Main {{ public static void main(String[] words) throws Exception {{
                var path = java.nio.file.Path.of(words[0]);
                var pixels = java.nio.file.Files.readString(path).split(",");
                int[] image = java.util.Arrays.stream(pixels).mapToInt(Integer::parseInt).toArray();
                for (var level : Edge.toInput(image, {height}, {width})) System.out.println(level);
            }} }}"""
            (tmp_path / "Main.java").write_text(main + code)
            command = [need("java"), str(tmp_path / "Main.java"), str(tmp_path / "pixels")]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        levels = np.array(said.split(), float) - canvas.place(photo).ravel()
        assert np.abs(levels).max() <= 1
        assert (levels != 0).mean() < 0.1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"to": "edge", "mirror": False}, "no-mirror is for detectors of one class"),
        ({"to": "tflite"}, "--to tflite is for detectors of classes"),
    ],
)
def test_what_boxes_have_not_is_refused(
    boxes_run: Path, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        export_detector(boxes_run, out=tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == []
