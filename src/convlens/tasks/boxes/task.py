"""A box, a class and a score for each object: where each part of the task stands."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConvlensError
from ...pictures.boxes.boxes import BoxCatalog
from ...pictures.source import Source
from . import prediction, table
from .rule import BoxRule, read_rule

if TYPE_CHECKING:
    from ..shown import Explain, Grid, Report
    from .comparing import BoxComparing
    from .evaluation import BoxEvaluation
    from .matching import Truth


class BoxTask:
    """Each picture has objects of several classes, or none. Predicting loads what it needs."""

    outputs = prediction.OUTPUTS
    rule = staticmethod(read_rule)
    predict = staticmethod(prediction.predict)
    columns = staticmethod(table.columns)
    rows = staticmethod(table.rows)
    lines = staticmethod(table.lines)
    as_json = staticmethod(table.as_json)

    def fits(self, shapes: Mapping[str, Sequence[Any]], classes: Sequence[str]) -> bool:
        """Boxes of four edges, and all that belongs to them."""
        return all(name in shapes for name in self.outputs) and shapes["boxes"][2] == 4

    def read(self, pictures: str | Path, *, boxes: str | None = None) -> BoxCatalog:
        """Pictures with boxes."""
        from ...pictures.boxes.read import read_boxes

        catalog = read_boxes(pictures, boxes=boxes)
        if catalog is None:
            raise ConvlensError(f"{pictures} has no boxes, and this detector is for boxes")
        return catalog

    def truths(self, catalog: BoxCatalog, classes: Sequence[str]) -> "Sequence[Truth]":
        """Each picture's objects. Raises `ConvlensError` where one is of another class."""
        from .truth import truths_of

        counts = catalog.counts()
        unknown = [label for label in catalog.classes if counts[label] and label not in classes]
        if unknown:
            raise ConvlensError(
                f"there are objects of {', '.join(map(repr, unknown))}, and this detector knows "
                f"{', '.join(classes)}"
            )
        return list(truths_of(catalog))

    def evaluate(
        self,
        answers: "Sequence[tuple[Truth, prediction.BoxPrediction]]",
        sources: Sequence[Source],
        *,
        skipped: Sequence[tuple[str, str]] = (),
    ) -> "BoxEvaluation":
        """Metrics and errors."""
        from .evaluation import evaluate

        return evaluate(answers, sources, skipped=skipped)

    def comparing(self) -> "BoxComparing":
        """AP50, and a paired bootstrap."""
        from .comparing import BoxComparing

        return BoxComparing()

    def summary(self, evaluation: "BoxEvaluation", *, rule: BoxRule) -> "Iterator[str | Grid]":
        """Metrics, class by class, and the plainest errors."""
        from .summary import summary

        return summary(evaluation, rule=rule)

    def report(
        self,
        metrics: Mapping[str, Any],
        evaluation: "BoxEvaluation | None",
        *,
        explain: "Explain | None" = None,
    ) -> "Report":
        """The summary, curves, tables, and pictures with what is wrong in them.

        Boxes explain themselves.
        """
        from .report import report

        return report(metrics, evaluation)
