"""One class for each picture: where each part of the task stands."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...errors import UsageError
from ...pictures.catalog import Catalog
from ...pictures.source import Source
from . import prediction, table
from .rules.rule import Rule, read_rule

if TYPE_CHECKING:
    from ..shown import Explain, Grid, Report
    from .comparing import ClassComparing
    from .evaluation import Evaluation
    from .learning import ClassLearning


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

    def classes(self, labels: Iterable[str], where: str) -> tuple[str, ...]:
        """The different labels in natural order, two or more."""
        from .labels import classes_of

        return classes_of(labels, where)

    def read(self, pictures: str | Path, *, boxes: str | None = None) -> Catalog:
        """Pictures of one class each."""
        from ...pictures.read import read_catalog

        if boxes is not None:
            raise UsageError("--boxes is for pictures with boxes, and this detector's have a class")

        return read_catalog(pictures)

    def truths(self, catalog: Catalog, classes: Sequence[str]) -> Sequence[str]:
        """Their labels."""
        self.targets(catalog.labels, classes)
        return catalog.labels

    def targets(self, labels: Sequence[str], classes: Sequence[str]) -> npt.NDArray[np.int64]:
        """Labels as class indices [N]."""
        from .labels import class_indices

        return class_indices(labels, classes)

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

    def learning(self) -> "ClassLearning":
        """Cross-entropy, a temperature, and the rule for answers."""
        from .learning import ClassLearning

        return ClassLearning()

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
