"""What training needs of classification: objective, rule, and metrics of a run."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ...options import AnswerOptions
from .evaluation import Evaluation
from .label_errors import find_label_errors
from .labels import class_indices
from .metrics import Metrics, compute_metrics
from .objective import make_objective
from .rules.advice import Judged, advice
from .rules.fit_rule import check_answers, make_rule
from .rules.rule import BALANCE, Rule


class ClassLearning:
    """Cross-entropy, a temperature, and a rule by thresholds or costs."""

    objective = staticmethod(make_objective)
    check_options = staticmethod(check_answers)

    def fit_rule(
        self,
        options: AnswerOptions,
        classes: tuple[str, ...],
        *,
        labels_N: npt.NDArray[np.int64],
        probabilities_NK: npt.NDArray[np.float32],
        learnt_N: npt.NDArray[np.int64],
    ) -> Rule:
        """The rule that was asked for; `learnt_N` are the labels of the training pictures."""
        learnt_K = np.bincount(learnt_N, minlength=len(classes))
        return make_rule(
            options, classes, true_N=labels_N, probabilities_NK=probabilities_NK, learnt_K=learnt_K
        )

    def balanced(self, rule: Rule) -> bool:
        """Whether every class counts alike, however few its pictures."""
        return rule.objective == BALANCE

    def metrics(
        self,
        classes: tuple[str, ...],
        labels_N: npt.NDArray[np.int64],
        *,
        probabilities_NK: npt.NDArray[np.float32],
        rule: Rule,
    ) -> dict[str, Any]:
        """Metrics of answers by a rule, as plain data."""
        return compute_metrics(
            classes,
            labels_N,
            probabilities_NK=probabilities_NK,
            predicted_N=rule.predict(probabilities_NK),
        ).as_json()

    def further_metrics(
        self,
        evaluation: Evaluation | None,
        *,
        uncalibrated_NK: npt.NDArray[np.float32] | None,
        rule: Rule,
        judged: Judged,
    ) -> dict[str, Any]:
        """What `metrics.json` has beside the metrics on the held-out pictures.

        `strange`: the share of them that are called strange. `uncalibrated`: loss and calibration
        error without the temperature. `plain`: the metrics if the most probable class were the
        answer, where classes count alike. `label_errors`: names of those whose label is probably
        wrong, the surest first. `advice`: sentences on classes that are poorly found. Where nothing
        was held out they are None, or empty.
        """
        if evaluation is None or uncalibrated_NK is None:
            nothing = dict.fromkeys(("strange", "uncalibrated", "plain"))
            return {**nothing, "label_errors": [], "advice": []}
        strange = [
            answer.strange for _, answer in evaluation.answers if answer.strangeness is not None
        ]
        labels_N, probabilities_NK = _arrays(evaluation)
        before = _most_probable(evaluation, labels_N, probabilities_NK=uncalibrated_NK)
        plain = _most_probable(evaluation, labels_N, probabilities_NK=probabilities_NK)
        wrong = find_label_errors(labels_N, probabilities_NK)
        return {
            "strange": sum(strange) / len(strange) if strange else None,
            "uncalibrated": {"cost": before.cost, "ece": before.ece},
            "plain": plain.as_json() if self.balanced(rule) else None,
            "label_errors": [evaluation.answers[index][1].name for index in wrong],
            "advice": advice(evaluation.metrics, rule, judged=judged),
        }


def _most_probable(
    evaluation: Evaluation,
    labels_N: npt.NDArray[np.int64],
    *,
    probabilities_NK: npt.NDArray[np.float32],
) -> Metrics:
    return compute_metrics(evaluation.metrics.labels, labels_N, probabilities_NK=probabilities_NK)


def _arrays(evaluation: Evaluation) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Labels [N] and probabilities [N, K] of the held-out pictures."""
    labels_N = class_indices([label for label, _ in evaluation.answers], evaluation.metrics.labels)
    probabilities = [answer.probabilities for _, answer in evaluation.answers]
    return labels_N, np.stack([p for p in probabilities if p is not None])
