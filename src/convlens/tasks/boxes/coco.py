"""COCO's metrics, by the library that computes them as COCO does."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from .matching import Answers
from .prediction import BoxPrediction

STATS = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
"""COCO's first ones: the mean over overlaps from 0.5 to 0.95, at 0.5, at 0.75, and by size."""


def coco_results(
    prediction: BoxPrediction, image: Any, categories: Sequence[int]
) -> list[dict[str, Any]]:
    """All answers to a picture, however unsure, in COCO's form of results.

    Args:
        prediction: The answers; of a picture that could not be read there are none.
        image: The picture's id.
        categories: The id of each class [K].
    """
    if prediction.boxes is None or prediction.scores is None or prediction.classes is None:
        return []
    return [
        {
            "image_id": image,
            "category_id": categories[k],
            "bbox": [left, top, right - left, bottom - top],
            "score": score,
        }
        for (left, top, right, bottom), score, k in zip(
            prediction.boxes.tolist(),
            prediction.scores.tolist(),
            prediction.classes.tolist(),
            strict=True,
        )
    ]


def coco_metrics(
    answers: Answers, classes: Sequence[str]
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """`STATS` over all classes, and the AP of each class; None where there are no such objects.

    Objects that are ignored count as COCO's crowds; those of other classes do not count. Where
    nothing is answered, it is 0 of what there are objects of that count.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    annotations: list[dict[str, Any]] = []
    for number, (truth, _) in enumerate(answers, 1):
        areas = truth.areas
        if areas is None:
            areas = (truth.xyxy[:, 2:] - truth.xyxy[:, :2]).prod(1)
        for (left, top, right, bottom), label, ignored, area in zip(
            truth.xyxy.tolist(), truth.labels, truth.ignored.tolist(), areas.tolist(), strict=True
        ):
            if label not in classes:
                continue
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": list(classes).index(label) + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": area,
                    "iscrowd": int(ignored),
                }
            )
    data = {
        "info": {},
        "images": [{"id": number} for number in range(1, len(answers) + 1)],
        "categories": [{"id": k, "name": label} for k, label in enumerate(classes, 1)],
        "annotations": annotations,
    }
    numbers = range(1, len(classes) + 1)
    results = [
        result
        for image, (_, prediction) in enumerate(answers, 1)
        for result in coco_results(prediction, image, numbers)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth_of_all = COCO(data)
        # older versions of the library load no empty list of results
        found = truth_of_all.loadRes(results) if results else COCO(data | {"annotations": []})
        evaluator = COCOeval_faster(truth_of_all, found, "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    precision = np.asarray(evaluator.eval["precision"])[:, :, :, 0, -1]
    per_class = {label: _known(float(precision[:, :, k].mean())) for k, label in enumerate(classes)}
    stats = [_known(float(value)) for value in evaluator.stats[: len(STATS)]]
    return dict(zip(STATS, stats, strict=True)), per_class


def _known(value: float) -> float | None:
    """COCO says -1 of what there is nothing of."""
    return None if value < 0 else value
