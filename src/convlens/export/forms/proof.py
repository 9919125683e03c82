"""Proof, before a form is written, that it answers as the detector's own file does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ...detector.detector import Detector
from ...detector.predictor import Probabilities
from ...errors import ConvlensError
from ...parallel import in_order
from ...pictures.canvas import placing, shape_of
from ...pictures.decode import RGB
from ...pictures.readable import readable
from ...pictures.source import Source
from ...progress import Progress
from ...tasks.comparing import Difference
from ..mixed_sizes import of_mixed_size

PICTURES = 1000


@dataclass(frozen=True)
class Proof:
    """What was compared with the detector's file, and how near the form comes."""

    pictures: int
    _: KW_ONLY
    largest_difference: float
    """Of a probability or a score."""
    largest_difference_pixels: float | None
    """Of a box's edge; None where answers have no boxes."""
    agreement: float
    """The share of the same answers, for pictures of mixed sizes: of labels, or of boxes."""


def prove(
    original: Detector,
    form: Detector,
    sources: Sequence[Source],
    *,
    exact: bool,
    resizes: bool,
    mirror: bool,
    progress: Progress,
) -> Proof:
    """Compare on up to `PICTURES` pictures, every other one brought to a random size first.

    Where `exact`, each answer has to be the file's; of a form that `resizes` in its own way, for
    pictures that the detector's resize has brought to its size. A form that does not look at the
    mirror image answers for it by itself: the file's logits are the mean of both.
    Raises `ConvlensError` where they differ.
    """
    comparing = original.task.comparing()
    place = placing(original.frame)

    def answer(image: RGB) -> tuple[Difference, Difference]:
        mixed = comparing.difference(original.outputs(image), form.outputs(image))
        if mirror and not resizes:
            return mixed, mixed
        placed = place(image)
        wanted, own = original.outputs(placed), form.outputs(placed)
        if not mirror:
            own = [_mean_of_logits(own[0], form.probabilities(placed[:, ::-1].copy()))]
        return mixed, comparing.difference(wanted, own)

    answers = []
    images = _mixed_sizes(sources[:PICTURES], max(shape_of(original.frame)))
    for done, found in enumerate(in_order(answer, images)):
        answers.append(found)
        progress("proving the form", done + 1, min(PICTURES, len(sources)))
    if not answers:
        raise ConvlensError("none of the pictures could be read, so nothing proves the form")
    mixed, differences = zip(*answers, strict=True)
    proof = Proof(
        len(answers),
        largest_difference=max(one.score for one in differences),
        largest_difference_pixels=max(
            (one.pixels for one in differences if one.pixels is not None), default=None
        ),
        agreement=sum(one.same for one in mixed) / max(1, sum(one.of for one in mixed)),
    )
    score, pixels = comparing.tolerance
    if exact and (
        proof.largest_difference > score
        or (proof.largest_difference_pixels or 0.0) > pixels
        or (mirror and proof.agreement < comparing.agreement)
    ):
        raise ConvlensError(
            f"the form does not answer as detector.onnx does (on {told(proof)}), so it is not "
            "written"
        )
    return proof


def told(proof: Proof) -> str:
    """In words."""
    what, answers, edges = "probabilities", "labels", ""
    if proof.largest_difference_pixels is not None:
        what, answers = "scores", "boxes"
        edges = f" and edges by up to {proof.largest_difference_pixels:.2g} pixels"
    return (
        f"{proof.pictures:,} pictures, {what} differ by up to {proof.largest_difference:.2g}"
        f"{edges}; {proof.agreement:.2%} of the {answers} are the same"
    )


def _mixed_sizes(sources: Iterable[Source], side: int) -> Iterator[RGB]:
    """Those that can be read."""
    for number, image in enumerate(readable(sources)):
        yield of_mixed_size(image, number, side=side, seed=0)


def _mean_of_logits(one: Probabilities, other: Probabilities) -> Probabilities:
    """Probabilities whose logits are the mean of those of two answers."""
    product = np.sqrt(one.astype(np.float64) * other)
    mean: Probabilities = (product / product.sum()).astype(np.float32)
    return mean
