"""What may differ between a detector of boxes and its network, and what not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from convlens.detector.detector import Detector
from convlens.errors import ConvlensError
from convlens.pictures.canvas import Canvas
from convlens.pictures.decode import RGB
from convlens.pictures.source import FileSource
from convlens.tasks.boxes.comparing import BoxComparing
from convlens.training.boxes import proof
from convlens.training.boxes.calibration import Calibration
from convlens.training.boxes.export import FromPixels
from convlens.training.boxes.network import BoxNetwork
from convlens.training.boxes.strides import STRIDES

CANVAS = Canvas(64, 64)


class Means(nn.Module):
    """Mean colours at each stride."""

    def forward(self, x: Tensor) -> list[Tensor]:
        """[N, 3, H, W] to as many maps as there are strides."""
        return [nn.functional.avg_pool2d(x, stride) for stride in STRIDES]


class Moved:
    """A detector that answers as its network does, but for some boxes that are elsewhere."""

    def __init__(
        self,
        network: BoxNetwork,
        count: int,
        *,
        canvas: Canvas = CANVAS,
        down: Callable[[RGB], float] = lambda _: 10_000.0,
    ) -> None:
        self.from_pixels = FromPixels(network.eval(), canvas)
        self.network, self.count, self.canvas, self.down = network, count, canvas, down

    def outputs(self, image: RGB) -> tuple[np.ndarray[Any, Any], ...]:
        """Boxes, scores, classes and number."""
        boxes, *rest = proof._network(
            self.from_pixels, image, self.canvas, Calibration(), overlap=0.5, most=1000
        )
        assert len(boxes) > self.count
        boxes[: self.count, 1::2] += self.down(image)
        return boxes, *rest


def undecided() -> BoxNetwork:
    """A network that tells many boxes, each as sure as not."""
    torch.manual_seed(0)
    network = BoxNetwork(Means(), (3, 3, 3), classes=1, sides=STRIDES)
    assert network.head.logits.bias is not None
    nn.init.zeros_(network.head.logits.bias)
    return network


def save_noise(path: Path, height: int, width: int) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


def prove(moved: Moved, path: Path) -> proof.BoxParity:
    return proof.prove(
        moved.network,
        cast("Detector", moved),
        canvas=moved.canvas,
        calibration=Calibration(),
        overlap=0.5,
        most=1000,
        sources=[FileSource(str(path))],
        seed=0,
        progress=lambda *_: None,
    )


def test_more_is_found_than_the_file_has_room_for() -> None:
    network = undecided()
    module = FromPixels(network.eval(), CANVAS)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)

    def found(most: int) -> tuple[np.ndarray[Any, Any], ...]:
        return proof._network(module, noise, CANVAS, Calibration(), overlap=0.5, most=most)

    everything, _, _, count = found(1000)
    assert count > 3
    boxes, scores, _, limited = found(3)
    assert limited == 3
    assert np.array_equal(boxes, everything[:3])
    assert np.all(np.diff(scores) <= 0)


@pytest.mark.parametrize(("count", "proven"), [(0, True), (1, True), (2, False), (20, False)])
def test_boxes_that_tie_may_change_places_and_more_may_not(
    count: int, proven: bool, tmp_path: Path
) -> None:
    path = save_noise(tmp_path / "picture.png", 64, 64)
    moved = Moved(undecided(), count)
    if proven:
        assert prove(moved, path).pictures == proof.LEAST
    else:
        with pytest.raises(ConvlensError, match=r"differ on .*picture\.png"):
            prove(moved, path)


@pytest.mark.parametrize("canvas", [Canvas(32, 128), Canvas(128, 32)], ids=["wide", "tall"])
@pytest.mark.parametrize(("share", "proven"), [(0.9, True), (1.1, False)])
def test_edges_may_differ_by_pixels_of_the_canvas_of_any_shape(
    canvas: Canvas, share: float, proven: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a tall picture too, which a wide canvas shows far smaller than a tall one."""
    _, most = BoxComparing.tolerance

    def whole(
        _: object, image: RGB, *__: object, **___: object
    ) -> tuple[np.ndarray[Any, Any], ...]:
        height, width = image.shape[:2]
        boxes = np.array([[0, 0, width, height]] * 2, np.float32)
        return boxes, np.array([0.9, 0.8]), np.array([0, 1]), np.array(2)

    def down(image: RGB) -> float:
        rows, _ = canvas.fitted(*image.shape[:2])
        return float(share * most * max(1.0, image.shape[0] / rows))

    monkeypatch.setattr(proof, "_network", whole)
    path = save_noise(tmp_path / "picture.png", 200, 20)
    moved = Moved(undecided(), 1, canvas=canvas, down=down)
    if proven:
        assert prove(moved, path).pictures == proof.LEAST
    else:
        with pytest.raises(ConvlensError, match=r"differ on .*picture\.png"):
            prove(moved, path)
