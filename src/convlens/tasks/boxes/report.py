"""A run's figures on boxes, as a part of its report."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...drawing.boxes import WRONG, DrawnBox, with_boxes
from ...drawing.charts import curves
from ...drawing.template import rendered
from ...drawing.text import percent
from ...drawing.thumbnails import thumbnail
from ...errors import PictureError
from ...pictures.decode import decode
from ..shown import Report
from .evaluation import BoxEvaluation, Wrong
from .matching import RECALLS

SHOWN = 12
"""Pictures with an error of each kind."""
MISSED = (255, 190, 0)
SIDE = 320


def report(metrics: Mapping[str, Any], evaluation: BoxEvaluation | None) -> Report:
    """The summary, the curves, the classes, and pictures with what is wrong in them."""
    test, training = metrics["test"], metrics["training"]
    body = rendered(
        "tasks/boxes/report.html",
        test=test,
        percent=percent,
        rule=metrics["rule_sentence"],
        curves=_curves(evaluation) if evaluation else "",
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
    lines: dict[str, list[float | None]] = {
        label: [100 * precision or None for precision in curve[::2]]
        for label, curve in list(evaluation.curves.items())[:8]
    }
    if not lines:
        return ""
    recalls = (100 * RECALLS[::2]).tolist()
    return curves(recalls, lines, x_label="recall (%)", y_label="precision (%)")


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
