"""Classes of which a detector finds far less than it gets right, and the option that finds more."""

import shlex
from math import floor

import numpy as np
import numpy.typing as npt

from ...intervals import binomial_tail
from ..metrics import Metrics, compute_metrics
from .fit_rule import recall_rule
from .rule import BALANCE, Rule

FAR = 0.1
"""A class's recall is far below the accuracy where it is so much lower, and not by chance."""
LEVEL = 0.025
"""Probability of naming any class where all are found alike (Bonferroni)."""
STEP = 0.05
"""The recall that is offered is the accuracy, rounded down to a multiple of this."""
SHOWN = 3
"""Classes of which it is said."""

Judged = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""Class indices [N] and calibrated probabilities [N, K] of the pictures that fit a rule."""


def poorly_found(metrics: Metrics) -> list[str]:
    """The classes whose recall is far below the accuracy, those with most pictures missed first.

    So few would hardly be found, by a binomial test, if it were found like the others: a class with
    few pictures is not named for its bad luck. Of a detector that may be unsure none are.
    """
    if metrics.coverage < 1:
        return []
    accuracy = metrics.accuracy
    missed = {
        label: (accuracy - of_class.recall) * of_class.support
        for label, of_class in metrics.per_class.items()
        if of_class.support
        and of_class.recall <= accuracy - FAR
        and binomial_tail(_found(metrics, label), of_class.support, share=accuracy)
        < LEVEL / len(metrics.labels)
    }
    return sorted(missed, key=lambda label: -missed[label])


def advice(metrics: Metrics, rule: Rule, *, judged: Judged | None = None) -> list[str]:
    """A sentence or two on each such class: how many are found, which option finds more.

    Args:
        metrics: Those on held-out pictures.
        rule: By which the answers were given.
        judged: Of validation pictures; then it is said what the option costs there.
    """
    labels = poorly_found(metrics)
    sentences = []
    for label in labels[:SHOWN]:
        of_class = metrics.per_class[label]
        text = (
            f"Of {of_class.support:,} {label!r} only {_found(metrics, label):,} are found "
            f"({of_class.recall:.1%}), while {metrics.accuracy:.1%} of all answers are right."
        )
        share = floor(metrics.accuracy / STEP) * STEP
        if rule.objective in {"", BALANCE} and share > of_class.recall:
            option = shlex.quote(f"{label}={share:.2g}")
            text += (
                f" Training with --recall {option} finds more, at the price of false alarms"
                f"{_on(judged, label, share=share, rule=rule, classes=metrics.labels)}; --costs "
                "weighs the mistakes instead."
            )
        sentences.append(text)
    if len(labels) > SHOWN:
        sentences.append(f"As poorly found are {len(labels) - SHOWN:,} other classes.")
    return sentences


def _on(
    judged: Judged | None, label: str, *, share: float, rule: Rule, classes: tuple[str, ...]
) -> str:
    """What the option does on validation pictures, and what is there without it."""
    if judged is None:
        return ""
    true_N, probabilities_NK = judged
    n = int((true_N == classes.index(label)).sum())
    if not n or share > n / (n + 1):
        return ""
    other = recall_rule(
        label, share, labels=classes, true_N=true_N, probabilities_NK=probabilities_NK
    )
    now, then = (
        compute_metrics(
            classes,
            true_N,
            probabilities_NK=probabilities_NK,
            predicted_N=by.predict(probabilities_NK),
        )
        for by in (rule, other)
    )
    of_now, of_then = now.per_class[label], then.per_class[label]
    return (
        f": on the validation pictures {of_then.recall:.0%} are found (now {of_now.recall:.0%}), "
        f"{of_then.precision:.0%} of those called so are (now {of_now.precision:.0%}), and "
        f"{then.accuracy:.0%} of all are right (now {now.accuracy:.0%})"
    )


def _found(metrics: Metrics, label: str) -> int:
    of_class = metrics.per_class[label]
    return round(of_class.recall * of_class.support)
