"""A run's figures on boxes, as a part of its report."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from ...drawing.boxes import WRONG, DrawnBox, with_boxes
from ...drawing.charts import curves
from ...drawing.text import percent
from ...drawing.thumbnails import thumbnail
from ...errors import PictureError
from ...pictures.decode import decode
from ..shown import Report
from .evaluation import BoxEvaluation, Wrong
from .matching import IGNORED, match

SHOWN = 12
"""Pictures with an error of each kind."""
MISSED = (255, 190, 0)
SIDE = 320


def report(metrics: Mapping[str, Any], evaluation: BoxEvaluation | None) -> Report:
    """The summary, the curves, the classes, and pictures with what is wrong in them."""
    import jinja2
    import markupsafe

    test, training = metrics["test"], metrics["training"]
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        files("convlens.tasks.boxes").joinpath("report.html").read_text("utf-8")
    )
    body = template.render(
        test=test,
        percent=percent,
        rule=metrics["rule_sentence"],
        curves=markupsafe.Markup(_curves(evaluation)) if evaluation else "",  # noqa: S704
        classes=list(test["per_class"].items()) if test else [],
        missed=_drawn(evaluation, evaluation.missed) if evaluation else [],
        false=_drawn(evaluation, evaluation.false) if evaluation else [],
    )
    learned = (
        f"{training['steps']:,} steps of {training['batch']:,} pictures on a canvas of "
        f"{training['canvas'][1]}×{training['canvas'][0]} pixels, in {training['compute']}. The "
        "parameters kept are the average over the last steps: nothing was chosen by the held-out "
        "pictures but the least scores of answers, and those crosswise."
    )
    return Report(_summary(test), _headline(test), body, learned)


def _summary(test: Mapping[str, Any] | None) -> str:
    if test is None:
        return "No picture was held out, so nothing is known of how good this detector is."
    found = sum(round(of["recall"] * of["objects"]) for of in test["per_class"].values())
    low, high = test["AP50_interval"]
    return (
        f"In {test['n']:,} pictures that it did not learn from it found {found:,} of "
        f"{test['objects']:,} objects. Its AP50 is {percent(test['AP50'] or 0)} "
        f"(95 % interval {percent(low)} to {percent(high)}); in {percent(test['counts_right'])} of "
        "the pictures it counted every class rightly."
    )


def _headline(test: Mapping[str, Any] | None) -> Sequence[tuple[str, str]]:
    if test is None:
        return ()
    return [(name, percent(test[name])) for name in ("AP50", "AP") if test[name] is not None]


def _curves(evaluation: BoxEvaluation) -> str:
    """Precision over recall of each class."""
    lines: dict[str, list[float | None]] = {}
    recalls = np.linspace(0, 100, 51)
    for label in list(evaluation.metrics.per_class)[:8]:
        matches = [match(prediction, truth, label) for truth, prediction in evaluation.answers]
        objects = evaluation.metrics.per_class[label].objects
        if not objects:
            continue
        scores = np.concatenate([of.scores for of in matches])
        found = np.concatenate([of.objects for of in matches])[np.argsort(-scores, kind="stable")]
        found = found[found != IGNORED]
        right = np.cumsum(found >= 0)
        precision = right / np.arange(1, len(found) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(100 * right / objects, recalls)
        lines[label] = [100 * float(best[k]) if k < len(best) else None for k in places]
    if not lines:
        return ""
    return curves(recalls.tolist(), lines, x_label="recall (%)", y_label="precision (%)")


def _drawn(evaluation: BoxEvaluation, wrong: Sequence[Wrong]) -> list[tuple[str, str]]:
    """Pictures with what is wrong in them, each once, and what to write below."""
    by_name: dict[str, list[Wrong]] = {}
    for one in wrong:
        by_name.setdefault(one.name, []).append(one)
    shown = []
    for name, errors in list(by_name.items())[:SHOWN]:
        try:
            image = decode(errors[0].source.read())
        except PictureError:
            continue
        boxes = [
            DrawnBox(
                one.box,
                one.label if one.score is None else f"{one.label} {one.score:.0%}",
                MISSED if one.score is None else WRONG,
            )
            for one in errors
        ]
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        first = errors[0]
        sure = "" if first.score is None else f" ({percent(first.score)})"
        pixels = with_boxes(image, boxes, side=SIDE)
        shown.append((thumbnail(pixels, SIDE), f"{first.label}{sure}{more}: {name}"))
    return shown
