"""What may differ between a detector of boxes and its network, and what not."""

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

    def __init__(self, network: BoxNetwork, count: int) -> None:
        self.from_pixels, self.count = FromPixels(network.eval(), CANVAS), count

    def outputs(self, image: RGB) -> tuple[np.ndarray[Any, Any], ...]:
        """Boxes, scores, classes and number."""
        boxes, *rest = proof._network(
            self.from_pixels, image, CANVAS, Calibration(), overlap=0.5, most=1000
        )
        assert len(boxes) > self.count
        boxes[: self.count] += 10_000.0
        return boxes, *rest


def test_more_is_found_than_the_file_has_room_for() -> None:
    torch.manual_seed(0)
    network = BoxNetwork(Means(), (3, 3, 3), classes=1, sides=STRIDES)
    assert network.head.logits.bias is not None
    nn.init.zeros_(network.head.logits.bias)
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
    torch.manual_seed(0)
    network = BoxNetwork(Means(), (3, 3, 3), classes=1, sides=STRIDES)
    assert network.head.logits.bias is not None
    nn.init.zeros_(network.head.logits.bias)
    path = tmp_path / "picture.png"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)

    def prove() -> proof.BoxParity:
        return proof.prove(
            network,
            cast("Detector", Moved(network, count)),
            canvas=CANVAS,
            calibration=Calibration(),
            overlap=0.5,
            most=1000,
            sources=[FileSource(str(path))],
            seed=0,
            progress=lambda *_: None,
        )

    if proven:
        assert prove().pictures == proof.LEAST
    else:
        with pytest.raises(ConvlensError, match=r"differ on .*picture\.png"):
            prove()
