"""Where it is: sliding answers as cutting out does, and findings lie where things were put."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from convlens import Detector, train
from convlens.cli import main
from convlens.dataset.prepare import prepare
from convlens.detector.find import Finder
from convlens.detector.slide import Slider
from convlens.errors import ConvlensError, UsageError
from convlens.export.export import export
from convlens.export.sliding import sliding
from convlens.network.build import build
from convlens.network.classifier import Classifier
from convlens.network.spec import network
from convlens.options import DataOptions
from convlens.pictures.boxes.box import Box
from convlens.pictures.crops.background import BACKGROUND, with_background
from convlens.pictures.crops.crops import CropSource
from convlens.pictures.decode import decode
from convlens.pictures.read import read_catalog
from convlens.pictures.resize import Resizer
from convlens.tasks.classification.objective import plain_objective
from helpers import SMALL, draw, save_class

UNPADDED = (
    "conv 6 5x5, norm, pool 2, conv 8 3x3, pool 2, dense 12, norm, relu, dense 5, dropout 0.5"
)
PADDED = "conv 8 3x3 same stride 2, norm, residual [conv 8 3x3 same, norm] silu, avgpool 2, gap"
LENET = "conv 6 5x5, tanh, avgpool 2, conv 16 5x5, lrn, pool 3 stride 2, conv 20 3x3, tanh, dense 9"

OBJECTIVE = plain_objective(2)


def module_of(line: str, size: int = 32) -> Classifier:
    """As if trained: statistics that are not the initial ones, answers of picture and mirror."""
    module = build(network(line, size, classes=3), 0).eval()
    module.tta_hflip = True
    for buffer in module.buffers():
        if buffer.dtype == torch.float32 and buffer.ndim == 1:
            buffer.copy_(torch.rand(buffer.shape) + 0.5)
    return module


def scene(kind: str, seed: int, at: tuple[int, int], side: int) -> np.ndarray:
    """A drawn shape on its ground, enlarged and put somewhere into noise."""
    random = np.random.default_rng(seed)
    out = random.integers(0, 70, (160, 220, 3)).astype(np.uint8)
    small = Image.fromarray(draw(kind, seed + 300, 40, 40)).resize((side, side))
    out[at[1] : at[1] + side, at[0] : at[0] + side] = np.asarray(small)
    return out


def differences(line: str, size: int = 32) -> list[float]:
    """Of each window's probabilities, between one pass and the window cut out."""
    detector = Detector(
        export(
            module_of(line, size), size, labels=("a", "b", "c"), metadata={}, objective=OBJECTIVE
        )
    )
    slider = Slider(detector)
    picture = np.random.default_rng(1).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    found = []
    for level in slider.levels(picture, 0.4):
        pixels = Resizer(level.sizes)(picture)
        for row, column in np.ndindex(level.probabilities.shape[1:]):
            top, left = row * slider.stride, column * slider.stride
            window = np.ascontiguousarray(pixels[top : top + size, left : left + size])
            alone = detector.probabilities(window)
            found.append(float(np.abs(alone - level.probabilities[:, row, column]).max()))
    assert len(found) > 20
    return found


@pytest.mark.parametrize("line", [UNPADDED, LENET])
def test_without_padding_each_window_is_answered_as_if_cut_out(line: str) -> None:
    assert max(differences(line)) < 1e-4


def test_with_padding_the_border_of_a_window_makes_a_difference() -> None:
    assert max(differences(PADDED)) > 1e-4


@pytest.mark.parametrize("line", [UNPADDED, PADDED])
def test_multiplications_are_those_that_torch_counts(line: str) -> None:
    module = module_of(line)
    slid = sliding(module, 32)
    assert slid is not None
    slider = Slider(
        Detector(export(module, 32, labels=("a", "b", "c"), metadata={}, objective=OBJECTIVE))
    )
    for down, across in ((1, 1), (2, 1), (5, 7), (12, 3)):
        sides = [32 + (count - 1) * slider.stride for count in (down, across)]
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            logits, _ = slid(torch.rand(1, 3, *sides))
        assert logits.shape[2:] == (down, across)
        assert slider.multiplications(down, across) == counter.get_total_flops() // 2


@pytest.mark.parametrize("line", ["dense 5", "local 3 3x3 stride 2, gap"])
def test_a_network_that_shares_nothing_cannot_slide(line: str) -> None:
    detector = Detector(
        export(
            build(network(line, 24, classes=2), 0),
            24,
            labels=("a", "b"),
            metadata={},
            objective=OBJECTIVE,
        )
    )
    assert detector.probabilities(draw("disc", 0)).sum() == pytest.approx(1)
    with pytest.raises(ConvlensError, match="cannot slide"):
        Finder(detector)


@pytest.fixture(scope="module")
def seeker(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the shapes with a background of noise and of parts."""
    folder = tmp_path_factory.mktemp("seeker")
    (folder / "noise").mkdir()
    for number in range(60):
        random = np.random.default_rng(number)
        picture = random.integers(0, 90, (40, 40, 3)) + random.integers(0, 60, 3)
        Image.fromarray(picture.astype(np.uint8)).save(folder / "noise" / f"{number}.png")
    train(shapes, folder / "run", epochs=40, background=str(folder / "noise"), **SMALL)
    return folder / "run"


def test_what_was_put_somewhere_is_found_there_and_nothing_elsewhere(
    seeker: Path, tmp_path: Path
) -> None:
    places = [(10, 20, 60), (120, 60, 80), (150, 10, 50), (30, 90, 64)]
    truth: dict[str, Box] = {}
    for number, (left, top, side) in enumerate(places):
        for kind in ("disc", "cross"):
            path = tmp_path / f"{number}-{kind}.png"
            Image.fromarray(scene(kind, number, (left, top), side)).save(path)
            truth[str(path)] = Box(left, top, left + side, top + side)
    Image.fromarray(scene("disc", 0, (0, 0), 1)).save(tmp_path / "9-nothing.png")
    *found, nothing = Detector(seeker).find_many(sorted(map(str, tmp_path.glob("*.png"))))
    hits = overlaps = 0
    for one in found:
        box = truth[one.name]
        if one.findings:
            across = (one.findings[0].box.left + one.findings[0].box.right) / 2
            down = (one.findings[0].box.top + one.findings[0].box.bottom) / 2
            hits += box.left < across < box.right and box.top < down < box.bottom
            overlaps += one.findings[0].box.iou(box) > 0.3
    assert hits >= 7
    assert overlaps >= 5
    assert nothing.findings == ()
    assert nothing.multiplications_cut_out > 3 * nothing.multiplications


def test_boxes_overlap_by_area_of_both_over_area_of_either() -> None:
    assert Box(0, 0, 2, 2).iou(Box(1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert Box(0, 0, 2, 2).iou(Box(2, 2, 3, 3)) == 0


@pytest.mark.trains
def test_an_extreme_shape_is_looked_at_within_bounds(seeker: Path) -> None:
    finder = Finder(Detector(seeker), smallest=0.02)
    for shape in ((3, 60_000, 3), (1, 1, 3), (1, 2, 3), (700, 1, 3)):
        for value in (0, 90, 255):
            assert finder.find("odd", np.full(shape, value, np.uint8)).windows >= 1


def test_the_command_prints_json_and_pictures(
    seeker: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(scene("disc", 1, (120, 60), 80)).save(tmp_path / "one.png")
    (tmp_path / "bad.png").write_text("no")
    words = ["find", str(seeker), str(tmp_path / "one.png"), str(tmp_path / "bad.png"), "--json"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 1
    one, bad = json.loads(capsys.readouterr().out)
    assert "not a picture" in bad["error"]
    assert (one["width"], one["height"]) == (220, 160)
    assert set(one["heat"]) == {"cross", "disc"}
    assert np.shape(one["heat"]["disc"]) == (35, 48)
    drawn = decode(Path(one["drawn"]).read_bytes())
    assert drawn.shape == (160, 220, 3)
    assert main(words[:3]) == 0
    said = capsys.readouterr()
    assert "times as many" in said.out
    assert said.err == ""
    assert main(["find", str(seeker), "x.png", "--smallest", "7"]) == 2


def test_a_detector_without_background_is_told_of(
    run: Path, shapes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["find", str(run), str(shapes / "disc" / "000.png")]) == 0
    assert "no class 'background'" in capsys.readouterr().err


def test_parts_stay_on_the_side_of_their_picture(shapes: Path, tmp_path: Path) -> None:
    for number in range(20):  # plain ones, whose parts are all alike
        path = tmp_path / "plain" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = np.full((40, 48, 3), 255, np.uint8)
        pixels[15:25, 20:28] = np.random.default_rng(number).integers(0, 255, 3)
        Image.fromarray(pixels).save(path)
    save_class(tmp_path / "disc", "disc", 40)
    dataset = prepare(tmp_path, DataOptions(size=24, background="parts"), progress=lambda *_: None)
    sides = dict(zip(dataset.catalog.names, dataset.split.assigned, strict=True))
    parts = [name for name in sides if name.endswith("#part")]
    assert len(parts) == 30
    assert all(sides[name] == sides[name.removesuffix("#part")] for name in parts)
    assert {sides[name] for name in parts} == {"train", "val", "test"}
    assert dataset.classes == (BACKGROUND, "disc", "plain")


def test_a_manifest_names_parts_too(seeker: Path) -> None:
    catalog = read_catalog(seeker / "manifest.csv")
    parts = [source for source in catalog.sources if isinstance(source, CropSource)]
    assert len(parts) == 80
    assert decode(parts[0].read()).shape[0] < 20


def test_a_part_is_a_small_square_at_the_edge_and_always_the_same(shapes: Path) -> None:
    catalog = with_background(read_catalog(shapes), "parts")
    part = next(source for source in catalog.sources if isinstance(source, CropSource))
    pixels, whole = decode(part.read()), decode(part.picture.read())
    assert part.read() == part.read()
    assert pixels.shape[0] == pixels.shape[1] <= 0.36 * min(whole.shape[:2])
    side = len(pixels)
    at = [
        (top, left)
        for top in range(len(whole) - side + 1)
        for left in range(whole.shape[1] - side + 1)
        if (whole[top : top + side, left : left + side] == pixels).all()
    ]
    assert any(
        top in {0, len(whole) - side} or left in {0, whole.shape[1] - side} for top, left in at
    )


def test_wrong_backgrounds_are_clear_errors(shapes: Path, tmp_path: Path) -> None:
    catalog = read_catalog(shapes)
    with pytest.raises(UsageError, match="no such folder"):
        with_background(catalog, "nowhere")
    with pytest.raises(UsageError, match="nothing in that folder"):
        with_background(catalog, os.fspath(tmp_path))
    with pytest.raises(UsageError, match="already"):
        with_background(with_background(catalog, "parts"), "parts")


def test_between_windows_that_lie_far_apart_the_nearest_count(tmp_path: Path) -> None:
    """A stride of more than half of the network's own side."""
    line = "conv 4 3x3 same stride 2, conv 4 3x3 same stride 2, conv 4 3x3 same stride 4, gap"
    module = module_of(line, 24)
    file = export(module, 24, labels=("a", "b", "c"), metadata={}, objective=OBJECTIVE)
    pixels = np.random.default_rng(1).integers(0, 256, (100, 140, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    found = Detector(file).find(tmp_path / "picture.png")
    assert found.heat is not None
    assert all(np.isfinite(heat).all() for heat in found.heat.values())
