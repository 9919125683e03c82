"""Two detectors of boxes, or several, on the same pictures."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..comparing import Difference, Paired
from .matching import Answers, Matches, match, mean_ap50, overlaps
from .rule import BoxRule
from .table import answers_csv

DRAWS = 1000
"""Times that the pictures are drawn anew (paired bootstrap, Efron 1979)."""
SURE = 0.05
"""Answers that are less sure come and go with the last digit of a score, and prove nothing."""
PLACE = 0.75
"""The overlap from which on two boxes of one class are the same answer."""


class Judged(NamedTuple):
    """A detector on pictures [n]: matches by class, how many objects of each class there are in
    each, and those that it finds by its rule, as the picture's row and the object's index."""

    matches: dict[str, list[Matches]]
    objects: dict[str, list[int]]
    found: set[tuple[int, int]]


def judge(answers: Answers, least: Mapping[str, float]) -> Judged:
    """Answers beside what is there, by the `least` score of each class."""
    judged = Judged({label: [] for label in least}, {label: [] for label in least}, set())
    for row, (truth, answer) in enumerate(answers):
        for label, score in least.items():
            judged.objects[label].append(truth.count(label))
            judged.matches[label].append(match(answer, truth, label))
            sure = match(answer, truth, label, least=score).objects
            judged.found.update((row, index) for index in sure.tolist() if index >= 0)
    return judged


def ap50s(judged: Sequence[Judged]) -> npt.NDArray[np.float64]:
    """AP50 of each [n, 1 + DRAWS]: of all pictures, and of as many that are drawn anew."""
    pictures = len(next(iter(judged[0].objects.values())))
    draws = np.random.default_rng(0).integers(0, pictures, (DRAWS, pictures))
    values = [
        [mean_ap50(one.matches, one.objects, rows) for rows in (range(pictures), *draws.tolist())]
        for one in judged
    ]
    return np.nan_to_num(values)


def p_of(better: npt.NDArray[np.float64], worse: npt.NDArray[np.float64]) -> float:
    """That one is better by chance, from what `ap50s` gives of both."""
    return min(1.0, 2 * float((better[1:] <= worse[1:]).mean()))


class BoxComparing:
    """By AP50, with a paired bootstrap over the pictures."""

    measure = "AP50"
    held_out: tuple[str, ...] = ("test", "val")
    tolerance = (1e-3, 0.5)
    agreement = 0.95
    answers_csv = staticmethod(answers_csv)

    def difference(
        self, one: Sequence[npt.NDArray[Any]], other: Sequence[npt.NDArray[Any]]
    ) -> Difference:
        """Of boxes that both tell, each beside the one of its class that it overlaps most.

        Of two boxes that overlap almost as much as one may, suppression may keep either one, by the
        last digit: what only one of both tells is counted in `same`, and not measured. A box of
        which the picture's edges have left nothing is no answer.
        """
        told = [
            np.column_stack((boxes, scores, classes))[: int(number)].astype(np.float64)
            for boxes, scores, classes, number in (one, other)
        ]
        told = [side[(side[:, 2:4] > side[:, :2]).all(1)] for side in told]
        gaps, of = [(0.0, 0.0)], 0
        for a, b in (told, told[::-1]):
            for box in a[a[:, 4] > SURE + self.tolerance[0]]:
                same = b[b[:, 5] == box[5]]
                shares = overlaps(box[None, :4], same[:, :4])[0]
                of += 1
                if shares.max(initial=0.0) >= PLACE:
                    near = same[shares.argmax()]
                    gaps.append((abs(near[4] - box[4]), np.abs(near[:4] - box[:4]).max()))
        score, pixels = np.max(gaps, axis=0).tolist()
        return Difference(score, pixels, len(gaps) - 1, of)

    def paired(self, one: Answers, other: Answers, *, rule: BoxRule) -> Paired:
        """AP50 of both, and the objects that each finds by the rule."""
        least = dict(zip(one[0][1].labels, rule.thresholds, strict=True))
        first, second = judged = [judge(side, least) for side in (one, other)]
        values = ap50s(judged)
        better = int(values[:, 0].argmax())
        return Paired(
            (float(values[0, 0]), float(values[1, 0])),
            (len(first.found - second.found), len(second.found - first.found)),
            p_of(values[better], values[1 - better]),
            sum(map(sum, first.objects.values())),
        )
