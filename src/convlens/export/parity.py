"""Proof, before a detector is written, that the file answers as the trained network does."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..dataset.examples import Examples, to_float
from ..detector.detector import Detector
from ..errors import ConvlensError, PictureError
from ..parallel import in_order
from ..pictures.catalog import Catalog
from ..pictures.decode import RGB, decode
from ..pictures.resize import Resizer
from ..pictures.shards.read import streamed
from ..pictures.source import Source
from ..progress import Progress
from ..tasks.answers import Prediction
from ..tasks.learning import Objective
from .mixed_sizes import of_mixed_size

TOLERANCE = 1e-4
"""Largest difference of a probability between the file and the network."""
AGREEMENT = 0.999
"""Least share of pictures whose label through the pixel store is the file's."""
PICTURES = 1000
SECONDS, HURRIED = 2.0, 0.2
"""The most time for it, and the most as a share of the minutes that were asked for."""
LEAST = 16
"""Pictures that are compared however long it takes: a graph that differs differs on all."""


def seconds_within(minutes: float | None) -> float:
    """The time for comparing in a run that was given so many minutes."""
    return SECONDS if minutes is None else min(SECONDS, HURRIED * 60 * minutes)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Within it PyTorch computes on one core for each thread that asks, as ONNX Runtime does.

    Pictures one by one stay in the caches, where a batch of large ones does not.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Parity:
    """What was compared, and how near the two are."""

    comparisons: int
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
) -> tuple[Parity, Mapping[int, Prediction]]:
    """Compare file and network on real pictures of mixed sizes.

    Every other picture is first brought to a random height and width. Up to `pictures` are
    compared, fewer where `seconds` run out (`LEAST` at least); a small set is gone through several
    times. `stored` are the same pictures in the pixel store, row by row.

    Returns what was compared, and the file's answers, by row, to pictures that were left as they
    are. Raises `ConvlensError` where file and network differ.
    """
    module = module.float().eval()
    size = stored.pixels.shape[1]
    resize = Resizer(size)
    end = time.perf_counter() + seconds
    known: dict[int, Prediction] = {}

    def network(squashed: RGB) -> npt.NDArray[np.float32]:
        """What the network says of a squashed picture."""
        with torch.inference_mode():
            logits = module(to_float(torch.from_numpy(np.array(squashed)[None])))
            own: npt.NDArray[np.float32] = objective.probabilities(logits)[0].numpy()
        return own

    def compare(drawn: tuple[int, Source]) -> tuple[float, bool | None] | None:
        """The largest difference, and, where a picture is as it is, if its label through the pixel
        store is the file's; None where it cannot be read."""
        number, source = drawn
        row = number % len(catalog)
        try:
            image = of_mixed_size(decode(source.read()), number, side=size, seed=seed)
        except PictureError:
            return None
        squashed, outputs = resize(image), detector.outputs(image)
        own, file = network(squashed), outputs[0]
        difference = float(np.abs(file - own).max())
        if number % 2:
            return difference, None
        known[row] = detector.answer(source.name, outputs)
        pixels = stored.pixels[stored.rows[row]]
        if (pixels != squashed).any():
            own = network(pixels)
        return difference, bool(own.argmax() == file.argmax())

    sources = streamed(catalog.sources[number % len(catalog)] for number in range(pictures))
    differences: list[float] = []
    agreed: list[bool] = []
    with one_thread_each():
        for number, compared in enumerate(in_order(compare, enumerate(sources)), 1):
            if compared is not None:
                differences.append(compared[0])
                agreed += [] if compared[1] is None else [compared[1]]
            enough = len(differences) >= LEAST and time.perf_counter() > end
            progress("proving the detector file", pictures if enough else number, pictures)
            if enough:
                break
    done, worst = len(differences), max(differences, default=0.0)
    parity = Parity(done, worst, store_agreement=sum(agreed) / max(1, len(agreed)))
    if not done or worst > TOLERANCE or parity.store_agreement < AGREEMENT:
        raise ConvlensError(
            f"the detector file does not answer as the trained network does (in {done} comparisons "
            f"the probabilities differ by up to {worst:.2g}, and {parity.store_agreement:.2%} of "
            "the labels agree through the pixel store), so it is not written; the checkpoint is "
            "kept: report this with run.json"
        )
    return parity, known
