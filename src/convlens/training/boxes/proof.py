"""Proof, before a detector is written, that the file answers as the trained network does."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torchvision.ops import batched_nms

from ...dataset.random import generator
from ...detector.detector import Detector
from ...errors import ConvlensError, PictureError
from ...pictures.canvas import Canvas
from ...pictures.decode import RGB, decode
from ...pictures.source import Source
from ...progress import Progress
from ...tasks.boxes.matching import overlaps
from .calibration import Calibration
from .export import FLOOR, FromPixels
from .network import BoxNetwork

PIXELS, SCORE = 0.5, 1e-3
"""The most that an edge and a score may differ."""
SURE = 0.05
"""Answers that are less sure come and go with the last digit of a score, and prove nothing."""
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
    sources: Sequence[Source],
    seed: int,
    progress: Progress,
) -> BoxParity:
    """Compare file and network on pictures, every other one brought to a random size first.

    Raises `ConvlensError` where they differ.
    """
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
        if number % 2:
            random = generator(seed, "parity", number)
            height, width = (int(n) for n in random.integers(16, 3 * canvas.width, 2))
            image = np.asarray(Image.fromarray(image).resize((width, height)))
        own = _network(from_pixels, image, canvas, calibration, overlap=overlap)
        file = detector.outputs(image)
        found = int(file[3])
        theirs = np.column_stack((file[0][:found], file[1][:found], file[2][:found]))
        for a, b in ((own, theirs), (theirs, own)):
            for box in a[a[:, 4] > SURE + SCORE]:
                same = b[b[:, 5] == box[5]]
                near = same[overlaps(box[None, :4], same[:, :4])[0].argsort()[-3:]]
                gaps = [np.abs(near[:, :4] - box[:4]).max(1), np.abs(near[:, 4] - box[4])]
                best = int(np.argmin(gaps[0])) if len(near) else -1
                edge, score = (float(g[best]) if len(near) else np.inf for g in gaps)
                if edge > PIXELS * max(1.0, max(image.shape[:2]) / canvas.width) or score > SCORE:
                    raise ConvlensError(
                        f"the file and the network differ on {sources[number % len(sources)].name}"
                        f" by {edge:.3g} pixels and a score of {score:.3g}: this is a fault of "
                        "convlens; please report it"
                    )
                worst_edge, worst_score = max(worst_edge, edge), max(worst_score, score)
                objects += 1
        pictures += 1
    return BoxParity(pictures, objects // 2, worst_score, worst_edge)


def _network(
    module: FromPixels, image: RGB, canvas: Canvas, calibration: Calibration, *, overlap: float
) -> np.ndarray:
    """What the network says of a picture: [n, 6] edges, score, class."""
    with torch.inference_mode():
        boxes, logits = module(torch.from_numpy(canvas.place(image)[None]))
    scores = (calibration.slope * logits[0] + calibration.shift).sigmoid()
    classes, points = torch.nonzero(scores > float(calibration(np.array(FLOOR))), as_tuple=True)
    sure, edges = scores[classes, points], boxes[0, points]
    kept = batched_nms(edges, sure, classes, overlap)
    height, width = image.shape[:2]
    rows, columns = canvas.fitted(height, width)
    edges = edges[kept] * torch.tensor([width / columns, height / rows] * 2)
    edges = torch.minimum(edges.clamp(min=0), torch.tensor([width, height] * 2))
    return np.column_stack((edges.numpy(), sure[kept].numpy(), classes[kept].numpy()))
