"""Proof, before a detector is written, that the file answers as the trained network does."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from ..dataset.examples import Examples, to_float
from ..dataset.random import generator
from ..detector.detector import Detector
from ..detector.predictor import Probabilities
from ..errors import ConvlensError, PictureError
from ..parallel import in_order
from ..pictures.catalog import Catalog
from ..pictures.decode import RGB, decode
from ..pictures.resize import Resizer
from ..pictures.shards.read import streamed
from ..pictures.source import Source
from ..progress import Progress
from ..tasks.learning import Objective

TOLERANCE = 1e-4
"""Largest difference of a probability between the file and the network."""
AGREEMENT = 0.999
"""Least share of pictures whose label through the pixel store is the file's."""
PICTURES = 1000
SECONDS, HURRIED = 15.0, 0.2
"""The most time for it, and the most as a share of the minutes that were asked for."""
LEAST = 50
CHUNK = 16


def seconds_within(minutes: float | None) -> float:
    """The time for comparing in a run that was given so many minutes."""
    return SECONDS if minutes is None else min(SECONDS, HURRIED * 60 * minutes)


@dataclass(frozen=True)
class Parity:
    """What was compared, and how near the two are."""

    pictures: int
    largest_difference: float
    store_agreement: float


def check_parity(
    module: nn.Module,
    detector: Detector,
    *,
    catalog: Catalog,
    stored: Examples,
    objective: Objective,
    seed: int,
    progress: Progress,
    pictures: int = PICTURES,
    seconds: float = SECONDS,
) -> Parity:
    """Compare file and network on real pictures of mixed sizes.

    Every other picture is first brought to a random height and width. Up to `pictures` are
    compared, fewer where `seconds` run out (`LEAST` at least); a small set is gone through several
    times. `stored` are the same pictures in the pixel store, row by row.
    Raises `ConvlensError` where file and network differ.
    """
    module = module.float().eval()
    size = stored.pixels.shape[1]
    resize = Resizer(size)
    end = time.perf_counter() + seconds
    worst, done, agreed, plain = 0.0, 0, 0, 0

    def answer(drawn: tuple[int, Source]) -> tuple[RGB, Probabilities] | None:
        """The pixels that the network is to see, and what the file says of the picture."""
        number, source = drawn
        random = generator(seed, "parity", number)
        try:
            image = decode(source.read())
        except PictureError:
            return None
        if number % 2:
            height, width = (int(n) for n in random.integers(8, 3 * size, 2))
            image = np.asarray(Image.fromarray(image).resize((width, height)))
        return resize(image), detector.probabilities(image)

    def network(pixels_NHWC: RGB) -> npt.NDArray[np.float32]:
        """What the network says of squashed pictures."""
        with torch.inference_mode():
            logits = module(to_float(torch.from_numpy(np.array(pixels_NHWC))))
            own: npt.NDArray[np.float32] = objective.probabilities(logits).numpy()
        return own

    sources = streamed(catalog.sources[number % len(catalog)] for number in range(pictures))
    for first in range(0, pictures, CHUNK):
        numbers = range(first, min(first + CHUNK, pictures))
        answers = in_order(answer, zip(numbers, sources, strict=False))
        answered = [(n, a) for n, a in zip(numbers, answers, strict=True) if a]
        if answered:
            files = np.stack([probabilities for _, (_, probabilities) in answered])
            own = network(np.stack([pixels for _, (pixels, _) in answered]))
            worst = max(worst, float(np.abs(files - own).max()))
            rows = [(k, n % len(catalog)) for k, (n, _) in enumerate(answered) if not n % 2]
            if rows:
                of_store = network(stored.pixels[stored.rows[[row for _, row in rows]]])
                predicted = files[[k for k, _ in rows]].argmax(1)
                agreed += int((of_store.argmax(1) == predicted).sum())
                plain += len(rows)
            done += len(answered)
        progress("proving the detector file", numbers.stop, pictures)
        if done >= LEAST and time.perf_counter() > end:
            progress("proving the detector file", pictures, pictures)
            break
    parity = Parity(done, worst, store_agreement=agreed / max(1, plain))
    if not done or worst > TOLERANCE or parity.store_agreement < AGREEMENT:
        raise ConvlensError(
            f"the detector file does not answer as the trained network does (on {done} pictures "
            f"the probabilities differ by up to {worst:.2g}, and {parity.store_agreement:.2%} of "
            "the labels agree through the pixel store), so it is not written; the checkpoint is "
            "kept: report this with run.json"
        )
    return parity
