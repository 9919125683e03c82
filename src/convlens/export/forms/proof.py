"""Proof, before a form is written, that it answers as the detector's own file does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from PIL import Image

from ...dataset.random import generator
from ...detector.detector import Detector
from ...detector.predictor import Probabilities
from ...errors import ConvlensError, PictureError
from ...parallel import in_order
from ...pictures.decode import RGB, decode
from ...pictures.resize import Resizer
from ...pictures.shards.read import streamed
from ...pictures.source import Source
from ...progress import Progress

TOLERANCE = 1e-4
"""Largest difference of a probability between a form that computes the same and the file."""
AGREEMENT = 0.99
"""Least share of pictures of mixed sizes with the same label where the resize is another's."""
PICTURES = 1000


@dataclass(frozen=True)
class Proof:
    """What was compared with the detector's file, and how near the form comes."""

    pictures: int
    _: KW_ONLY
    largest_difference: float
    """Of a probability, for pictures that the detector's own resize has brought to its side."""
    agreement: float
    """The share with the same label, for pictures of mixed sizes."""


def prove(
    original: Detector,
    form: Detector,
    sources: Sequence[Source],
    *,
    exact: bool,
    mirror: bool,
    progress: Progress,
) -> Proof:
    """Compare on up to `PICTURES` pictures, every other one brought to a random size first.

    Where `exact`, each probability has to be the file's. A form that does not look at the mirror
    image answers for it by itself: the file's logits are the mean of both.
    Raises `ConvlensError` where they differ.
    """
    side = int(original.metadata["size"])
    resize = Resizer(side)

    def answer(image: RGB) -> tuple[float, bool]:
        squashed = resize(image)
        own = form.probabilities(squashed)
        alike = own.argmax() == original.probabilities(squashed).argmax()
        if mirror:
            alike = form.probabilities(image).argmax() == original.probabilities(image).argmax()
        else:
            own = _mean_of_logits(own, form.probabilities(squashed[:, ::-1].copy()))
        return float(np.abs(own - original.probabilities(squashed)).max()), bool(alike)

    answers = []
    images = _mixed_sizes(sources[:PICTURES], side)
    for done, found in enumerate(in_order(answer, images)):
        answers.append(found)
        progress("proving the form", done + 1, min(PICTURES, len(sources)))
    if not answers:
        raise ConvlensError("none of the pictures could be read, so nothing proves the form")
    differences, alike = zip(*answers, strict=True)
    proof = Proof(
        len(answers), largest_difference=max(differences), agreement=sum(alike) / len(alike)
    )
    if exact and (proof.largest_difference > TOLERANCE or (mirror and proof.agreement < AGREEMENT)):
        raise ConvlensError(
            f"the form does not answer as detector.onnx does (on {proof.pictures} pictures the "
            f"probabilities differ by up to {proof.largest_difference:.2g}, and "
            f"{proof.agreement:.2%} of the labels agree), so it is not written"
        )
    return proof


def _mixed_sizes(sources: Iterable[Source], side: int) -> Iterator[RGB]:
    """Those that can be read."""
    for number, source in enumerate(streamed(sources)):
        try:
            image = decode(source.read())
        except PictureError:
            continue
        if number % 2:
            height, width = generator(0, "parity", number).integers(8, 3 * side, 2).tolist()
            image = np.asarray(Image.fromarray(image).resize((width, height)))
        yield image


def _mean_of_logits(one: Probabilities, other: Probabilities) -> Probabilities:
    """Probabilities whose logits are the mean of those of two answers."""
    product = np.sqrt(one.astype(np.float64) * other)
    mean: Probabilities = (product / product.sum()).astype(np.float32)
    return mean
