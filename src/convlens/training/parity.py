"""Proof, before a detector is written, that the file answers as the trained network does."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn

from ..detector.detector import Detector
from ..errors import ConvlensError, PictureError
from ..pictures.catalog import Catalog
from ..pictures.decode import RGB, decode
from ..pictures.resize import Resizer
from .batches import Examples, to_float
from .random import generator

TOLERANCE = 1e-4
"""Largest difference of a probability between the file and the network."""
AGREEMENT = 0.999
"""Least share of pictures whose label through the pixel store is the file's."""
PICTURES = 1000
SECONDS = 20.0


@dataclass(frozen=True)
class Parity:
    """What was compared, and how near the two are."""

    pictures: int
    largest_difference: float
    store_agreement: float


def check_parity(
    module: nn.Module,
    detector: Detector,
    catalog: Catalog,
    stored: Examples,
    seed: int,
    progress: Callable[[str, int, int], None],
    pictures: int = PICTURES,
    seconds: float = SECONDS,
) -> Parity:
    """Compare file and network on real pictures of mixed sizes.

    Every other picture is first brought to a random height and width. Up to `pictures` are
    compared, fewer where `seconds` run out (50 at least); a small set is gone through several
    times. `stored` are the same pictures in the pixel store, row by row.
    Raises `ConvlensError` where file and network differ.
    """
    module = module.float().eval()
    size = stored.pixels.shape[1]
    resize = Resizer(size)
    end = time.perf_counter() + seconds
    worst, done, agreed, stored_count = 0.0, 0, 0, 0
    for number in range(pictures):
        row = number % len(catalog)
        random = generator(seed, "parity", number)
        try:
            image = decode(catalog.sources[row].read())
        except PictureError:
            continue
        if number % 2:
            height, width = (int(n) for n in random.integers(8, 3 * size, 2))
            image = np.asarray(Image.fromarray(image).resize((width, height)))
        answer = detector.probabilities(image)
        with torch.inference_mode():
            own = _network(module, resize(image))
            worst = max(worst, float(np.abs(answer - own).max()))
            if not number % 2:
                through_store = _network(module, stored.pixels[stored.rows[row]])
                agreed += int(through_store.argmax() == answer.argmax())
                stored_count += 1
        done += 1
        progress("proving the detector file", number + 1, pictures)
        if done >= 50 and time.perf_counter() > end:
            progress("proving the detector file", pictures, pictures)
            break
    parity = Parity(done, worst, agreed / max(1, stored_count))
    if not done or worst > TOLERANCE or parity.store_agreement < AGREEMENT:
        raise ConvlensError(
            f"the detector file does not answer as the trained network does (on {done} pictures "
            f"the probabilities differ by up to {worst:.2g}, and {parity.store_agreement:.2%} of "
            "the labels agree through the pixel store), so it is not written; the checkpoint is "
            "kept: report this with run.json"
        )
    return parity


def _network(module: nn.Module, pixels: RGB) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    batch = to_float(torch.from_numpy(np.array(pixels)[None]))
    out: np.ndarray[tuple[int], np.dtype[np.float32]] = torch.softmax(module(batch), 1)[0].numpy()
    return out
