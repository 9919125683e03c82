"""One class for each picture: where each part of the task stands."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...options import AnswerOptions, LossOptions
from ...pictures.source import Source
from . import prediction, table
from .rule import Rule, read_rule

if TYPE_CHECKING:
    from ..task import Grid, Report
    from .evaluation import Evaluation
    from .objective import ClassificationObjective


class Classification:
    """Each picture is of one of several classes. Predicting loads no more than it needs."""

    outputs = prediction.OUTPUTS
    rule = staticmethod(read_rule)
    predict = staticmethod(prediction.predict)
    columns = staticmethod(table.columns)
    cells = staticmethod(table.cells)
    line = staticmethod(table.line)
    as_json = staticmethod(table.as_json)

    def classes(self, labels: Iterable[str], where: str) -> tuple[str, ...]:
        """The different labels in natural order, two or more."""
        from .labels import classes_of

        return classes_of(labels, where)

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

    def objective(
        self,
        options: LossOptions,
        labels_N: npt.NDArray[np.int64],
        *,
        classes: int,
        pretrained: bool,
    ) -> "ClassificationObjective":
        """Cross-entropy."""
        from .objective import make_objective

        return make_objective(options, labels_N, classes=classes, pretrained=pretrained)

    def check_options(
        self, options: AnswerOptions, classes: tuple[str, ...], *, held_out: int
    ) -> None:
        """That classes and costs are known, and that there are pictures to set thresholds on."""
        from .fit_rule import check_answers

        check_answers(options, classes, held=held_out)

    def fit_rule(
        self,
        options: AnswerOptions,
        classes: tuple[str, ...],
        *,
        labels_N: npt.NDArray[np.int64],
        probabilities_NK: npt.NDArray[np.float32],
        learnt_N: npt.NDArray[np.int64],
    ) -> Rule:
        """By coverage, recall, costs or balance; by default the most probable class."""
        from . import learning

        return learning.fit_rule(
            options,
            classes,
            labels_N=labels_N,
            probabilities_NK=probabilities_NK,
            learnt_N=learnt_N,
        )

    def balanced(self, rule: Rule) -> bool:
        """Whether the rule is that of unequal classes."""
        from . import learning

        return learning.balanced(rule)

    def metrics(
        self,
        classes: tuple[str, ...],
        labels_N: npt.NDArray[np.int64],
        *,
        probabilities_NK: npt.NDArray[np.float32],
        rule: Rule,
    ) -> dict[str, Any]:
        """Accuracy, class by class, confusion, calibration."""
        from . import learning

        return learning.metrics(classes, labels_N, probabilities_NK=probabilities_NK, rule=rule)

    def further_metrics(
        self,
        evaluation: "Evaluation | None",
        *,
        uncalibrated_NK: npt.NDArray[np.float32] | None,
        rule: Rule,
    ) -> dict[str, Any]:
        """Strange pictures, calibration before, and labels that are probably wrong."""
        from . import learning

        return learning.further_metrics(evaluation, uncalibrated_NK=uncalibrated_NK, rule=rule)

    def summary(self, evaluation: "Evaluation") -> "Iterator[str | Grid]":
        """Metrics, class by class, the confusion matrix and the worst mistakes."""
        from .evaluation import summary

        return summary(evaluation)

    def report(self, metrics: Mapping[str, Any], evaluation: "Evaluation | None") -> "Report":
        """The summary, charts, tables and worst mistakes."""
        from .report import report

        return report(metrics, evaluation)
