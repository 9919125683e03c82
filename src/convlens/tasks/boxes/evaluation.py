"""Answers beside the true objects: metrics with intervals, and what was missed or is not there."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ...pictures.boxes.box import Box
from ...pictures.source import Source
from ..intervals import wilson
from .coco import coco_metrics
from .matching import NONE, RECALLS, Answers, Matches, Truth, match, mean_ap50, precisions
from .prediction import BoxPrediction

DRAWS = 200
"""Times that pictures are drawn anew for an interval (bootstrap, Efron 1979)."""


@dataclass(frozen=True)
class Wrong:
    """An object that was missed, or an answer where there is none, in a picture.

    `score` is None for what was missed.
    """

    name: str
    label: str
    box: Box
    _: KW_ONLY
    score: float | None
    source: Source


@dataclass(frozen=True)
class ClassMetrics:
    """Of one class: how many objects there are, and shares from 0 to 1."""

    objects: int
    _: KW_ONLY
    found: int
    answers: int
    ap: float | None
    ap50: float | None

    @property
    def recall(self) -> float:
        """The share of objects that were found."""
        return self.found / self.objects if self.objects else 0.0

    @property
    def precision(self) -> float:
        """The share of answers that are about an object."""
        return self.found / self.answers if self.answers else 0.0

    @property
    def f1(self) -> float:
        """Twice the found, of objects and answers together."""
        return 2 * self.found / max(1, self.objects + self.answers)


@dataclass(frozen=True)
class BoxMetrics:
    """What answers are worth. AP, AP50, AP75 and those by size are COCO's, from 0 to 1.

    AP, for all that the file tells; recall, precision and counts, for what the rule takes.
    """

    n: int
    objects: int
    _: KW_ONLY
    coco: Mapping[str, float | None]
    ap50_interval: tuple[float, float]
    per_class: Mapping[str, ClassMetrics]
    counts_right: float
    counts_right_interval: tuple[float, float]

    @property
    def ap(self) -> float:
        """COCO's AP, 0 where there are no objects."""
        return self.coco["AP"] or 0.0

    @property
    def ap50(self) -> float:
        """At an overlap of a half."""
        return self.coco["AP50"] or 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "n": self.n,
            "objects": self.objects,
            **self.coco,
            "AP50_interval": list(self.ap50_interval),
            "counts_right": self.counts_right,
            "counts_right_interval": list(self.counts_right_interval),
            "per_class": {
                label: {
                    "objects": of.objects,
                    "AP": of.ap,
                    "AP50": of.ap50,
                    "recall": of.recall,
                    "precision": of.precision,
                    "f1": of.f1,
                }
                for label, of in self.per_class.items()
            },
        }

    def _repr_html_(self) -> str:
        """For notebooks: the most important ones."""
        low, high = self.ap50_interval
        return (
            f"<table><tr><td>AP50</td><td>{self.ap50:.1%}</td><td>{low:.1%} to {high:.1%}</td></tr>"
            f"<tr><td>AP</td><td>{self.ap:.1%}</td><td></td></tr></table>"
        )


@dataclass(frozen=True)
class BoxEvaluation:
    """Metrics, each answer beside its picture's objects, and what is wrong, the surest first.

    `curves` are, of each class that there are objects of, the precision at each of `RECALLS`.
    """

    metrics: BoxMetrics
    answers: tuple[tuple[Truth, BoxPrediction], ...]
    _: KW_ONLY
    curves: Mapping[str, tuple[float, ...]]
    missed: tuple[Wrong, ...]
    false: tuple[Wrong, ...]
    sources: tuple[Source, ...]
    skipped: tuple[tuple[str, str], ...]

    def as_json(self, most: int = 20) -> dict[str, Any]:
        """Metrics, curves, how many errors there are of each kind, and the `most` first of them."""

        def plain(wrong: Wrong) -> dict[str, Any]:
            box = {edge: round(at, 1) for edge, at in wrong.box._asdict().items()}
            return {"name": wrong.name, "label": wrong.label, "box": box, "score": wrong.score}

        return {
            **self.metrics.as_json(),
            "curves": {
                "recall": RECALLS.round(2).tolist(),
                "precision": {
                    label: [round(value, 4) for value in curve]
                    for label, curve in self.curves.items()
                },
            },
            "missed_count": len(self.missed),
            "false_count": len(self.false),
            "missed": [plain(wrong) for wrong in self.missed[:most]],
            "false": [plain(wrong) for wrong in self.false[:most]],
            "skipped": [{"name": name, "reason": reason} for name, reason in self.skipped],
        }

    def _repr_html_(self) -> str:
        """For notebooks: the metrics."""
        return self.metrics._repr_html_()


def evaluate(
    answers: Answers,
    sources: Sequence[Source],
    *,
    skipped: Sequence[tuple[str, str]] = (),
) -> BoxEvaluation:
    """What answers, one or more, beside the objects come to."""
    classes = answers[0][1].labels
    coco, ap = coco_metrics(answers, classes)
    all_matches = {
        label: [match(prediction, truth, label) for truth, prediction in answers]
        for label in classes
    }
    objects = {label: [truth.count(label) for truth, _ in answers] for label in classes}
    missed, false = _wrong(answers, sources)
    found = dict.fromkeys(classes, 0)
    said: dict[str, list[int]] = {label: [] for label in classes}
    for truth, prediction in answers:
        for label in classes:
            least = min((o.score for o in prediction.objects if o.predicted == label), default=2.0)
            right = match(prediction, truth, label, least=least).objects
            found[label] += int((right >= 0).sum())
            said[label].append(int((right >= NONE).sum()))
    curves = {
        label: tuple(precisions(all_matches[label], sum(own)).tolist())
        for label, own in objects.items()
        if sum(own)
    }
    per_class = {
        label: ClassMetrics(
            sum(objects[label]),
            found=found[label],
            answers=sum(said[label]),
            ap=ap[label],
            ap50=float(np.mean(curves[label])) if label in curves else None,
        )
        for label in classes
    }
    all_right = sum(
        all(said[label][row] == objects[label][row] for label in classes)
        for row in range(len(answers))
    )
    metrics = BoxMetrics(
        len(answers),
        sum(map(sum, objects.values())),
        coco=coco,
        ap50_interval=_interval(all_matches, objects, len(answers)),
        per_class=per_class,
        counts_right=all_right / len(answers),
        counts_right_interval=wilson(all_right, len(answers)),
    )
    return BoxEvaluation(
        metrics,
        tuple(answers),
        curves=curves,
        missed=missed,
        false=false,
        sources=tuple(sources),
        skipped=tuple(skipped),
    )


def _interval(
    matches: Mapping[str, Sequence[Matches]], objects: Mapping[str, Sequence[int]], pictures: int
) -> tuple[float, float]:
    """The middle 95 % of AP50 over draws of as many pictures as there are."""
    random = np.random.default_rng(0)
    draws = (random.integers(0, pictures, pictures).tolist() for _ in range(DRAWS))
    values = np.array([mean_ap50(matches, objects, rows) for rows in draws])
    if np.isnan(values).all():
        return (0.0, 1.0)
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)


def _wrong(
    answers: Answers, sources: Sequence[Source]
) -> tuple[tuple[Wrong, ...], tuple[Wrong, ...]]:
    """What was missed, the largest first, and answers about nothing, the surest first."""
    missed: list[Wrong] = []
    false: list[Wrong] = []
    for (truth, prediction), source in zip(answers, sources, strict=True):
        hit: set[int] = set()
        for label in prediction.labels:
            own = sorted(
                (thing for thing in prediction.objects if thing.predicted == label),
                key=lambda thing: -thing.score,
            )
            if not own:
                continue
            of = match(prediction, truth, label, least=own[-1].score).objects.tolist()
            hit |= {index for index in of if index >= 0}
            false += [
                Wrong(prediction.name, label, thing.box, score=thing.score, source=source)
                for thing, index in zip(own, of, strict=True)
                if index == NONE
            ]
        missed += [
            Wrong(prediction.name, truth.labels[i], Box(*box), score=None, source=source)
            for i, box in enumerate(truth.xyxy.tolist())
            if i not in hit and not truth.ignored[i]
        ]
    missed.sort(key=lambda wrong: -wrong.box.area)
    false.sort(key=lambda wrong: -(wrong.score or 0.0))
    return tuple(missed), tuple(false)
