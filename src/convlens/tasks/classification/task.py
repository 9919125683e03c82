"""One class for each picture: where each part of the task stands."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...pictures.catalog import Catalog
from ...pictures.source import Source
from . import prediction, table
from .rules.rule import Rule, read_rule

if TYPE_CHECKING:
    from ..shown import Explain, Grid, Report
    from .comparing import ClassComparing
    from .evaluation import Evaluation


class Classification:
    """Each picture is of one of several classes. Predicting loads no more than it needs."""

    outputs = prediction.OUTPUTS
    rule = staticmethod(read_rule)
    predict = staticmethod(prediction.predict)
    columns = staticmethod(table.columns)
    rows = staticmethod(table.rows)
    lines = staticmethod(table.lines)
    as_json = staticmethod(table.as_json)

    def fits(self, shapes: Mapping[str, Sequence[Any]], classes: Sequence[str]) -> bool:
        """A probability for each class."""
        of = shapes.get(self.outputs[0])
        return of is not None and of[1] == len(classes)

    def read(self, pictures: str | Path, *, boxes: str | None = None) -> Catalog:
        """Pictures of one class each."""
        from ...pictures.read import read_catalog

        if boxes is not None:
            raise UsageError("--boxes is for pictures with boxes, and this detector's have a class")

        return read_catalog(pictures)

    def truths(self, catalog: Catalog, classes: Sequence[str]) -> Sequence[str]:
        """Their labels."""
        from .labels import class_indices

        class_indices(catalog.labels, classes)  # which refuses others
        return catalog.labels

    def evaluate(
        self,
        answers: Sequence[tuple[str, prediction.Prediction]],
        sources: Sequence[Source],
        *,
        skipped: Sequence[tuple[str, str]] = (),
    ) -> "Evaluation":
        """Metrics and mistakes."""
        from .evaluation import evaluate

        return evaluate(answers, sources, skipped=skipped)

    def comparing(self) -> "ClassComparing":
        """Accuracy, and McNemar's test."""
        from .comparing import ClassComparing

        return ClassComparing()

    def summary(self, evaluation: "Evaluation", *, rule: Rule) -> "Iterator[str | Grid]":
        """Metrics, class by class, the confusion matrix and the worst mistakes."""
        from .evaluation import summary

        return summary(evaluation, rule=rule)

    def report(
        self,
        metrics: Mapping[str, Any],
        evaluation: "Evaluation | None",
        *,
        explain: "Explain | None" = None,
    ) -> "Report":
        """The summary, charts, tables and worst mistakes."""
        from .report import report

        return report(metrics, evaluation, explain=explain)
