"""Proof, before a detector is written, that the file answers as the trained network does."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.ops import batched_nms

from ...detector.detector import Detector
from ...errors import ConvlensError, PictureError
from ...export.mixed_sizes import of_mixed_size
from ...pictures.canvas import Canvas
from ...pictures.decode import RGB, decode
from ...pictures.source import Source
from ...progress import Progress
from ...tasks.boxes.comparing import BoxComparing
from .calibration import Calibration
from .export import FLOOR, FromPixels
from .network import BoxNetwork

ALONE, TIED = 0.01, 3
"""The share of boxes that only one of both may tell, as suppression hangs on the last digit; and so
many of any picture: of two that tie either one is kept, and with it a third that the other
suppresses."""
PICTURES, LEAST, SECONDS = 200, 8, 8.0


@dataclass(frozen=True)
class BoxParity:
    """What was compared, and how near the file and the network are."""

    pictures: int
    objects: int
    largest_difference: float
    largest_difference_pixels: float


def prove(
    network: BoxNetwork,
    detector: Detector,
    *,
    canvas: Canvas,
    calibration: Calibration,
    overlap: float,
    most: int,
    sources: Sequence[Source],
    seed: int,
    progress: Progress,
) -> BoxParity:
    """Compare file and network on pictures, every other one brought to a random size first.

    `most` are the answers that the file has room for. Raises `ConvlensError` where they differ.
    """
    comparing = BoxComparing()
    from_pixels = FromPixels(network.float().eval(), canvas)
    end = time.perf_counter() + SECONDS
    pictures = objects = 0
    worst_score = worst_edge = 0.0
    for number in range(min(PICTURES, max(LEAST, 2 * len(sources)))):
        if number >= LEAST and time.perf_counter() > end:
            break
        progress("proving the detector", number + 1, PICTURES)
        try:
            image = decode(sources[number % len(sources)].read())
        except PictureError:
            continue
        image = of_mixed_size(image, number, side=canvas.width, seed=seed, least=16)
        own = _network(from_pixels, image, canvas, calibration, overlap=overlap, most=most)
        found = comparing.difference(own, detector.outputs(image))
        score, edge = found.score, found.pixels or 0.0
        score_most, pixels = comparing.tolerance
        pixels *= max(1.0, image.shape[0] / canvas.height, image.shape[1] / canvas.width)
        if (
            edge > pixels
            or score > score_most
            or found.of - found.same > max(TIED, ALONE * found.of)
        ):
            raise ConvlensError(
                f"the file and the network differ on {sources[number % len(sources)].name} by "
                f"{edge:.3g} pixels and a score of {score:.3g}, and tell {found.same:,} of "
                f"{found.of:,} boxes alike: this is a fault of convlens; please report it"
            )
        worst_edge, worst_score = max(worst_edge, edge), max(worst_score, score)
        objects += found.same
        pictures += 1
    return BoxParity(pictures, objects // 2, worst_score, worst_edge)


def _network(
    module: FromPixels,
    image: RGB,
    canvas: Canvas,
    calibration: Calibration,
    *,
    overlap: float,
    most: int,
) -> tuple[np.ndarray, ...]:
    """What the network says of a picture, as the file does."""
    with torch.inference_mode():
        boxes, logits = module(torch.from_numpy(canvas.place(image)[None]))
    scores = (calibration.slope * logits[0] + calibration.shift).sigmoid()
    classes, points = torch.nonzero(scores > float(calibration(np.array(FLOOR))), as_tuple=True)
    sure, edges = scores[classes, points], boxes[0, points]
    kept = batched_nms(edges, sure, classes, overlap)[:most]  # the surest first
    own = canvas.own_pixels(edges[kept].numpy(), *image.shape[:2])
    return own, sure[kept].numpy(), classes[kept].numpy(), np.array(len(kept))
