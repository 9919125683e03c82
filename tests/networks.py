"""Networks that several tests look at, and detectors of them as if they were trained."""

import numpy as np
import timm
import torch

from convlens import Detector
from convlens.export.export import export
from convlens.network.backbone import build_published
from convlens.network.build import build
from convlens.network.classifier import Classifier
from convlens.network.spec import PREFIX, Network, network
from convlens.pictures.canvas import Canvas
from convlens.tasks.classification.objective import plain_objective
from convlens.training.boxes.calibration import Calibration
from convlens.training.boxes.export import BoxGraph
from convlens.training.boxes.network import box_network

LECTURE = "conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84"
RESIDUAL = (
    "conv 4 3x3 same stride 2, norm, residual [conv 4 3x3 same, norm, conv 4 3x3 same], "
    "avgpool 2 blur, local 3 3x3, conv 6 3x3 groups 3, gap, dense 5"
)


def two_class(line: str, size: int) -> Network:
    """A network of two classes."""
    return network(line, size, classes=2)


LABELS = ("a", "b", "c")


def as_if_trained(line: str, size: int = 32, *, mirror: bool = True) -> Classifier:
    """A network, also `timm:NAME`, with statistics and a head that are not the initial ones."""
    torch.manual_seed(0)
    if line.startswith(PREFIX):
        layers = build_published(line, len(LABELS), size=size)
        torch.nn.init.normal_(layers.head.weight)
        torch.nn.init.normal_(layers.head.bias)
        module = Classifier(layers, [0.5] * 3, std=[0.25] * 3)
    else:
        module = build(network(line, size, classes=len(LABELS)), 0)
    for buffer in module.buffers():
        if buffer.dtype == torch.float32 and buffer.ndim == 1:
            buffer.copy_(torch.rand(buffer.shape) + 0.5)
    module.tta_hflip = mirror
    module.temperature.fill_(1.7)
    return module.eval()


def detector_of(module: Classifier, size: int = 32) -> Detector:
    """Its file, for three classes."""
    objective = plain_objective(len(LABELS))
    return Detector(export(module, size, labels=LABELS, metadata={}, objective=objective))


def boxes_detector(height: int = 64, width: int = 64) -> Detector:
    """One of boxes with random parameters, and a canvas of this size."""
    torch.manual_seed(0)
    timm_name = "test_efficientnet"
    module = box_network(
        timm_name,
        len(LABELS),
        sides=(16, 32, 48),
        parameters=timm.create_model(timm_name).state_dict(),
        seed=0,
    )
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.uniform_(-0.1, 0.1)
    canvas = Canvas(height, width)
    graph = BoxGraph(module, canvas, labels=LABELS, most=20, overlap=0.6)
    return Detector(graph.file(Calibration(), {}))


def noise(height: int = 50, width: int = 70) -> np.ndarray:
    """A picture."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
