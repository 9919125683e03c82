"""Does the answer stay where the picture is shifted?

A shifted picture is the picture moved by whole pixels of the network's input, with its border
mirrored into the gap; unshifted it is exactly what evaluation sees.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ....dataset.examples import to_float
from ....network.classifier import Classifier

Pixels = npt.NDArray[np.uint8]
Predict = Callable[[Pixels], npt.NDArray[np.floating[Any]]]
"""uint8 pictures [N, S, S, 3] to probabilities [N, K]."""

SHIFTS = (1, 2, 3, 4, 5, 6, 7, 8)
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""(down, right)."""


def shifted(pictures_NHWC: Pixels, down: int, *, right: int) -> Pixels:
    """Pictures moved down and to the right by whole pixels, the border mirrored into the gap."""
    reach = max(abs(down), abs(right))
    if not reach:
        return pictures_NHWC
    padded = np.pad(pictures_NHWC, ((0, 0), (reach, reach), (reach, reach), (0, 0)), "reflect")
    height, width = pictures_NHWC.shape[1:3]
    top, left = reach - down, reach - right
    return np.ascontiguousarray(padded[:, top : top + height, left : left + width])


@dataclass(frozen=True)
class Invariance:
    """What shifts do to the answers for `pictures` pictures, by distance in pixels.

    `kept`: share of (picture, direction) whose label stays; `change`: mean absolute change of the
    probability of the unshifted answer; `consistency`: share of pairs of different shifts of one
    picture that get one label (after Zhang 2019, whose figures are of random pairs of crops).
    """

    pictures: int
    kept: dict[int, float]
    _: KW_ONLY
    change: dict[int, float]
    consistency: float

    @classmethod
    def read(
        cls,
        pictures: int,
        kept: Mapping[str, float],
        change: Mapping[str, float],
        consistency: float,
    ) -> "Invariance":
        """From its fields in JSON, where distances are text."""
        by_distance = ({int(d): value for d, value in of.items()} for of in (kept, change))
        return cls(pictures, next(by_distance), change=next(by_distance), consistency=consistency)


def invariance(
    predict: Predict,
    pictures_NHWC: Pixels,
    *,
    shifts: Sequence[int] = SHIFTS,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Invariance:
    """Shift every picture by each distance in eight directions, and compare the answers."""
    plain_NK = predict(pictures_NHWC)
    predicted = plain_NK.argmax(1)
    rows = np.arange(len(predicted))
    labels, kept, change = [predicted], {}, {}
    for number, distance in enumerate(shifts):
        same, changes = [], []
        for down, right in DIRECTIONS:
            shifted_NK = predict(shifted(pictures_NHWC, distance * down, right=distance * right))
            labels.append(shifted_NK.argmax(1))
            same.append(labels[-1] == predicted)
            changes.append(np.abs(shifted_NK[rows, predicted] - plain_NK[rows, predicted]))
        kept[distance], change[distance] = float(np.mean(same)), float(np.mean(changes))
        progress(number + 1, len(shifts))
    return Invariance(
        len(predicted), kept, change=change, consistency=agreement(np.stack(labels, 1))
    )


def agreement(labels_NS: npt.NDArray[np.int64]) -> float:
    """Share of pairs of different columns with one label, over all rows."""
    count = labels_NS.shape[1]
    pairs = 0.0
    for label in np.unique(labels_NS):
        times = (labels_NS == label).sum(1)
        pairs += float((times * (times - 1)).sum())
    return float(pairs / (len(labels_NS) * count * (count - 1)))


def predictor(module: Classifier, micro_batch: int = 64) -> Predict:
    """A module as a function from pictures to probabilities."""

    def predict(pictures_NHWC: Pixels) -> npt.NDArray[np.floating[Any]]:
        module.eval()
        probabilities = []
        with torch.inference_mode():
            for images_NHWC in torch.split(torch.from_numpy(pictures_NHWC), micro_batch):
                probabilities.append(torch.softmax(module(to_float(images_NHWC)), 1).numpy())
        return np.concatenate(probabilities)

    return predict
