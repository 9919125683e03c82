"""Which answers are about which objects: the surest first, each to the object that it fits best."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .prediction import BoxPrediction

ENOUGH = 0.5
"""The overlap (intersection over union) from which on an answer is about an object."""
RECALLS = np.linspace(0, 1, 101)
"""At which COCO reads a curve of precision over recall."""


class Truth(NamedTuple):
    """The objects in a picture: boxes [n, 4] in its pixels, and classes by name.

    Those that are `ignored` [n], crowds and difficult ones, count neither as found nor as missed.
    `areas` [n] tell which are small, medium and large, as COCO has it; without, those of boxes do.
    """

    xyxy: npt.NDArray[np.float64]
    labels: tuple[str, ...]
    ignored: npt.NDArray[np.bool_]
    areas: npt.NDArray[np.float64] | None = None

    def count(self, label: str) -> int:
        """Objects of a class that are not ignored."""
        return int((~self.ignored & (np.array(self.labels, object) == label)).sum())


Answers = Sequence[tuple[Truth, BoxPrediction]]
"""What is there in each picture, and what is said of it."""


class Matches(NamedTuple):
    """What each answer of one class in a picture is about: an object's index, or `NONE`, `IGNORED`.

    With the answers' scores [n]; the surest come first.
    """

    scores: npt.NDArray[np.float64]
    objects: npt.NDArray[np.int64]


NONE, IGNORED = -1, -2


def overlaps(
    a_N4: npt.NDArray[np.float64],
    b_M4: npt.NDArray[np.float64],
    *,
    inside: npt.NDArray[np.bool_] | bool = False,
) -> npt.NDArray[np.float64]:
    """Intersection over union [N, M] of boxes as left, top, right, bottom.

    Where `inside` ([M] or [N, M]) it is the share of the first box that lies in the second, as COCO
    has it of crowds: these are larger than who is in them.
    """
    low = np.maximum(a_N4[:, None, :2], b_M4[None, :, :2])
    high = np.minimum(a_N4[:, None, 2:], b_M4[None, :, 2:])
    both = (high - low).clip(min=0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (a_N4, b_M4)]
    either = areas[0][:, None] + np.where(inside, 0.0, areas[1][None] - both)
    shares: npt.NDArray[np.float64] = both / np.maximum(either, 1e-12)
    return shares


def match(prediction: BoxPrediction, truth: Truth, label: str, *, least: float = 0.0) -> Matches:
    """All answers of a class that the file tells, or those of a score of `least` and more."""
    if prediction.scores is None or prediction.boxes is None or prediction.classes is None:
        return Matches(np.zeros(0), np.zeros(0, np.int64))
    mine = prediction.classes == prediction.labels.index(label)
    mine &= prediction.scores >= least
    scores, boxes = (x[mine].astype(np.float64) for x in (prediction.scores, prediction.boxes))
    own = np.flatnonzero([of == label for of in truth.labels])
    objects = np.full(len(scores), NONE, np.int64)
    ignored = truth.ignored[own]
    overlap = np.zeros((len(scores), 0))
    if len(own):
        overlap = overlaps(boxes, truth.xyxy[own], inside=ignored)
    free = np.ones(len(own), bool)
    for index in np.argsort(-scores, kind="stable"):
        for kind, code in ((~ignored & free, None), (ignored, IGNORED)):
            shares = np.where(kind, overlap[index], -1.0)
            if shares.size and shares.max() >= ENOUGH:
                best = int(shares.argmax())
                objects[index] = own[best] if code is None else code
                free[best] = code is not None
                break
    return Matches(scores, objects)


def average_precision(matches: Sequence[Matches], objects: int) -> float:
    """The area below the curve of precision over recall, in 101 steps as in COCO; 0 to 1.

    `matches` are those of one class in all pictures, and `objects` how many of it there are. NaN
    where there is none.
    """
    return float(precisions(matches, objects).mean()) if objects else float("nan")


def mean_ap50(
    matches: Mapping[str, Sequence[Matches]],
    objects: Mapping[str, Sequence[int]],
    rows: Sequence[int],
) -> float:
    """AP50 of some of the pictures: the mean over the classes that they show; NaN without any.

    `matches` and `objects` are those of each class in each picture.
    """
    of_classes = [
        average_precision([own[row] for row in rows], sum(objects[label][row] for row in rows))
        for label, own in matches.items()
    ]
    known = [value for value in of_classes if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def precisions(matches: Sequence[Matches], objects: int) -> npt.NDArray[np.float64]:
    """The best precision with which each of `RECALLS`, or more, is reached; 0 where none is.

    `matches` are those of one class in all pictures, and `objects` how many of it there are: one
    at least.
    """
    scores = np.concatenate([of.scores for of in matches])
    found = np.concatenate([of.objects for of in matches])
    order = np.argsort(-scores, kind="mergesort")
    found = found[order][found[order] != IGNORED]
    right = np.cumsum(found != NONE)
    recall, precision = right / objects, right / np.arange(1, len(found) + 1)
    best_after = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    curve: npt.NDArray[np.float64] = np.append(best_after, 0.0)[places]
    return curve
