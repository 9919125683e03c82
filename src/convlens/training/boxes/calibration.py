"""Scores as sure as they are right, and from which one on answers are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...tasks.boxes.matching import IGNORED, Answers, match
from ...tasks.boxes.rule import BoxRule, usual_rule

FEWEST = 10
"""With fewer answers that are right, or fewer that are wrong, nothing is calibrated."""
TINY = 1e-6


@dataclass(frozen=True)
class Calibration:
    """Logits become slope × logit + shift (Platt 1999): which answer is surer than which stays."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Scores as they come from the network to calibrated ones."""
        inside = scores.astype(np.float64).clip(TINY, 1 - TINY)
        logits = np.log(inside / (1 - inside))
        calibrated: npt.NDArray[np.float64] = 1 / (1 + np.exp(-self.slope * logits - self.shift))
        return calibrated


def _right(answers: Answers, label: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The scores of all answers of a class, and whether each is about an object."""
    matches = [match(prediction, truth, label) for truth, prediction in answers]
    scores = np.concatenate([of.scores for of in matches])
    objects = np.concatenate([of.objects for of in matches])
    counts = objects != IGNORED
    return scores[counts], objects[counts] >= 0


def fit_calibration(answers: Answers) -> Calibration:
    """By all answers to pictures that were not learnt from, whatever their class."""
    if not answers:
        return Calibration()
    pairs = [_right(answers, label) for label in answers[0][1].labels]
    scores = np.concatenate([scores for scores, _ in pairs]).clip(TINY, 1 - TINY)
    right = np.concatenate([right for _, right in pairs])
    if min(right.sum(), (~right).sum()) < FEWEST:
        return Calibration()
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e3).fit(np.log(scores / (1 - scores))[:, None], right)
    slope, shift = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return Calibration(slope, shift) if slope > 0 else Calibration()


def fit_rule(
    answers: Answers,
    classes: Sequence[str],
    *,
    recall: Mapping[str, float],
    precision: Mapping[str, float],
) -> BoxRule:
    """The least score of each class, by calibrated answers to pictures that were not learnt from.

    It is that of the best F1, or the highest that finds the share of a class that `recall` asks
    for, or the lowest of which the share that `precision` asks for is right.
    """
    usual = usual_rule(len(classes))
    if not answers:
        return usual
    thresholds = []
    for label, least in zip(classes, usual.thresholds, strict=True):
        objects = sum(truth.count(label) for truth, _ in answers)
        scores, right = _right(answers, label)
        order = np.argsort(-scores, kind="stable")
        scores, found = scores[order], np.cumsum(right[order])
        if not objects or not len(scores) or not found[-1]:
            thresholds.append(least)
            continue
        said = np.arange(1, len(scores) + 1)
        if label in recall:
            enough = np.flatnonzero(found / objects >= recall[label])
            place = int(enough[0]) if len(enough) else len(scores) - 1
        elif label in precision:
            enough = np.flatnonzero(found / said >= precision[label])
            place = int(enough[-1]) if len(enough) else 0
        else:
            place = int((2 * found / (objects + said)).argmax())
        below = scores[place + 1] if place + 1 < len(scores) else 0.0
        thresholds.append(float((scores[place] + below) / 2))
    return BoxRule(tuple(thresholds), f"by {len(answers):,} held-out pictures")
