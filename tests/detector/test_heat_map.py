"""Where a detector looked: class activation maps, exact; and what hiding parts costs elsewhere."""

import csv
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from convlens import Detector
from convlens.cli import main
from convlens.dataset.examples import to_float
from convlens.detector.draw import explained
from convlens.detector.heat_map import CELLS, PASSES, HeatMapper
from convlens.errors import PictureError, UsageError
from convlens.export.export import export
from convlens.pictures.decode import decode
from convlens.pictures.resize import Resizer
from convlens.pictures.source import FileSource
from convlens.tasks.classification.objective import plain_objective
from helpers import draw
from networks import LABELS, as_if_trained, detector_of, noise

POOLED = "conv 8 3x3 same stride 2, norm, residual [conv 8 3x3 same, norm] silu, avgpool 2, gap"
NORMALISED = "conv 6 5x5, pool 2, gap, norm, dropout 0.5"
HIDDEN_LAYER = "conv 6 5x5, pool 2, gap, dense 5"
DENSE = "conv 6 5x5, pool 2, dense 12"


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    ("line", "size"),
    [
        (POOLED, 32),
        (NORMALISED, 32),
        ("timm:resnet18", 64),
        ("timm:convnext_atto", 64),  # normalises behind its pooling
        ("timm:resnet10t+resnet18", 64),
    ],
)
def test_the_mean_of_class_maps_is_what_the_network_says(
    line: str, size: int, mirror: bool
) -> None:
    module = as_if_trained(line, size, mirror=mirror)
    detector, image = detector_of(module, size), noise()
    assert detector.class_maps is not None
    (maps,) = detector.class_maps.run(image, ["class_maps"])
    with torch.inference_mode():
        logits = module(to_float(torch.from_numpy(Resizer(size)(image)[None])))[0].numpy()
    np.testing.assert_allclose(maps.mean((1, 2)), logits, atol=1e-4, rtol=1e-4)
    assert maps.std() > 0
    heat_map = detector.heat_map(image)
    assert heat_map.method == "class activation map"
    assert heat_map.label == LABELS[int(logits.argmax())]


def test_a_class_map_of_one_place_is_that_of_its_pixels() -> None:
    """A network that sees each quarter by itself: the quarter that is another one stands out."""
    module = as_if_trained("conv 4 16x16 stride 16, gap", mirror=False)
    detector, image = detector_of(module), np.full((32, 32, 3), 90, np.uint8)
    image[16:, :16] = noise(16, 16)
    maps = [detector.heat_map(image, label=label).evidence for label in LABELS]
    for evidence in maps:
        assert evidence is not None
        assert evidence.shape == (2, 2)
    one = maps[0]
    assert one is not None
    assert one[0, 0] == pytest.approx(one[0, 1]) == pytest.approx(one[1, 1])
    assert one[1, 0] != pytest.approx(one[0, 0])


@pytest.mark.parametrize("line", [HIDDEN_LAYER, DENSE, "local 3 3x3 same stride 2, dense 5"])
def test_other_networks_are_asked_with_parts_hidden(line: str) -> None:
    module = as_if_trained(line)
    detector, image = detector_of(module), noise()
    assert detector.class_maps is None
    with torch.inference_mode():
        logits = module(to_float(torch.from_numpy(Resizer(32)(image)[None])))
    assert detector.probabilities(image) == pytest.approx(logits.softmax(1)[0].numpy(), abs=1e-5)
    heat_map = detector.heat_map(image)
    assert heat_map.method == "occlusion"
    assert heat_map.evidence is not None
    assert heat_map.evidence.shape == (CELLS, CELLS)
    assert heat_map.heat.max() == 1
    assert HeatMapper(detector).passes == PASSES


def test_hiding_points_at_the_only_place_that_counts() -> None:
    module = as_if_trained("dense 2", mirror=False)
    first, last = (part for part in module.modules() if isinstance(part, torch.nn.Linear))
    with torch.no_grad():
        for layer in (first, last):
            layer.weight.zero_()
        weight = torch.zeros(3, 32, 32)
        weight[:, 20:24, 4:8] = 0.1
        first.weight[0] = weight.flatten()
        last.weight[0, 0] = 1
    image = np.full((32, 32, 3), 20, np.uint8)
    image[20:24, 4:8] = 250
    evidence = detector_of(module).heat_map(image, label="a").evidence
    assert evidence is not None
    assert divmod(int(evidence.argmax()), evidence.shape[1]) == (5, 1)
    far = evidence[:3, 4:]
    assert np.abs(far).max() < 0.2 * evidence.max()


def test_the_file_computes_no_more_for_it() -> None:
    """What class maps need lies in the metadata, and no operation of it in the graph."""
    module = as_if_trained(POOLED)
    file = export(module, 32, labels=LABELS, metadata={}, objective=plain_objective(len(LABELS)))
    model = onnx.load_from_string(file)
    assert [output.name for output in model.graph.output] == ["probabilities", "windows"]
    needed = {output.name for output in model.graph.output}
    for node in reversed(model.graph.node):
        assert needed & {*node.output}, node.name
        needed |= {*node.input}
    detector = Detector(file)
    assert "class_maps" in detector.metadata
    assert "class_maps" not in detector.provenance()


def test_a_part_with_a_strange_operator_is_refused() -> None:
    detector = detector_of(as_if_trained(POOLED))
    node = onnx.helper.make_node("Loop", ["x"], ["y"])
    with pytest.raises(Exception, match="Loop"):
        detector.session.extended(onnx.GraphProto(node=[node]).SerializeToString())


def test_wrong_labels_and_pictures_are_clear_errors(run: Path, tmp_path: Path) -> None:
    detector = Detector(run)
    with pytest.raises(UsageError, match="no class 'ship'"):
        detector.heat_map(noise(), label="ship")
    (tmp_path / "no.png").write_text("no")
    with pytest.raises(PictureError, match="not a picture"):
        detector.heat_map(tmp_path / "no.png")
    mapper = HeatMapper(detector)
    assert mapper(FileSource(str(tmp_path / "no.png"))).error
    for shape in ((1, 1, 3), (3, 5000, 3)):
        for value in (0, 255):
            assert np.isfinite(mapper.look("odd", np.full(shape, value, np.uint8)).heat).all()


def test_the_shape_is_what_counts(run: Path) -> None:
    """Hiding the hottest fifth lowers the probability more than hiding the coldest one."""
    detector, right = Detector(run), 0
    for number in range(20):
        image = draw("disc" if number % 2 else "cross", 900 + number)
        heat_map = detector.heat_map(image)
        heat = heat_map.enlarged() + 1e-6 * np.random.default_rng(number).random((40, 48))
        order, k = np.argsort(heat, axis=None), detector.labels.index(heat_map.label)
        left = []
        for part in (order[-384:], order[:384]):
            seen = image.reshape(-1, 3).copy()
            seen[part] = image.mean((0, 1))
            left.append(detector.probabilities(seen.reshape(image.shape))[k])
        right += left[0] < left[1]
    assert right >= 16


def test_predict_writes_pictures_with_their_heat(
    run: Path, shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_text("no")
    out = tmp_path / "out"
    words = [str(shapes / "disc" / "000.png"), str(shapes / "cross" / "000.png")]
    assert main(["predict", str(run), *words, str(tmp_path / "bad.png"), "--why", str(out)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert {path.name for path in out.iterdir()} == {"000-why.jpg", "000-why-2.jpg"}
    drawn, picture = (decode(Path(path).read_bytes()) for path in (out / "000-why.jpg", words[0]))
    assert drawn.shape == picture.shape
    warmer = drawn.astype(float) - picture
    assert warmer[..., 0].max() > 60  # red
    assert warmer[..., 2].mean() < warmer[..., 1].mean() < warmer[..., 0].mean()
    assert main(["predict", str(run), *words, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main(["predict", str(run), *words, "--json", "--why", str(out)]) == 0
    assert json.loads(capsys.readouterr().out) == plain
    for refused in (["--isolate"], ["--out", str(tmp_path / "tables")]):
        assert main(["predict", str(run), *words, "--why", str(out), *refused]) == 2


def test_a_report_explains_the_answers_that_it_shows(run: Path, tmp_path: Path) -> None:
    with (run / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    path = tmp_path / "one.png"
    Image.fromarray(draw("disc", 5)).save(path)
    data = (run / "detector.onnx").read_bytes()
    gone = FileSource(str(tmp_path / "gone.png"))
    one, none = explained(data, [(FileSource(str(path)), "cross"), (gone, "disc")])
    assert one is not None
    assert one.shape == (40, 48, 3)
    assert none is None
    assert explained(data, []) == []
    page = (run / "report.html").read_text()
    wrong = sum(row["label"] != row["predicted"] for row in rows)
    assert page.count('alt="what speaks for') == min(24, wrong)
