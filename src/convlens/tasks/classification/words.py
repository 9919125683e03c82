"""The report's sentences about a classification."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...drawing.text import percent
from .rules.rule import BALANCE

Values = Mapping[str, Any]


def summary(test: Values | None, metrics: Values) -> str:
    """How good the detector is, in words that need no training."""
    if test is None:
        return "There were no held-out pictures, so nothing can be said of how good it is."
    if metrics["plain"] is not None:
        return _unequal(test, metrics)
    low, high = test["accuracy_interval"]
    answered = " where it answers" if test["coverage"] < 1 else ""
    return (
        f"{_tested_on(test, metrics)} is right {percent(test['accuracy'])} of the time{answered}. "
        f"With so many pictures the true figure lies between {percent(low)} and {percent(high)} "
        "(95\u00a0% interval). Always answering the commonest of the "
        f"{len(test['labels'])} classes would be right {percent(test['majority_baseline'])} of the "
        "time."
    )


def _tested_on(test: Values, metrics: Values) -> str:
    if metrics["folds"] > 1:
        return (
            f"All {test['n']:,} pictures were judged, each by a detector that "
            f"neither learnt from it nor was chosen by it ({metrics['folds']} folds), and the one "
            "in this file then learnt from all of them. Such a detector"
        )
    return (
        f"On {test['n']:,} pictures that played no part in training or in any choice, the detector"
    )


def _unequal(test: Values, metrics: Values) -> str:
    """The summary where classes are unequal: balanced accuracy leads."""
    plain = metrics["plain"]
    low, high = test["balanced_accuracy_interval"]
    rarest = min(test["per_class"], key=lambda label: test["per_class"][label]["support"] or 1e9)
    recall, plain_recall = (
        percent(values["per_class"][rarest]["recall"]) for values in (test, plain)
    )
    guess = percent(1 / max(1, len(test["labels"])))
    return (
        f"The classes are unequal, so each counts alike. {_tested_on(test, metrics)} finds "
        f"{percent(test['balanced_accuracy'])} of a class on average (95\u00a0% interval "
        f"{percent(low)} to {percent(high)}; a guess finds {guess}). Of {rarest}, the rarest, it "
        f"finds {recall}; if every picture counted alike, {plain_recall}. It is right "
        f"{percent(test['accuracy'])} of the time; always answering the commonest class would be "
        f"right {percent(test['majority_baseline'])} of the time."
    )


def rule(chosen: Values, test: Values) -> str:
    """What was asked of the answers, and how much of it came true on held-out pictures."""
    objective = chosen["objective"]
    if objective in {"", BALANCE}:  # what balance does, the summary says
        return ""
    if objective.startswith("coverage"):
        return (
            f"It was made to answer the surest pictures only ({objective}), and to call the others "
            f"unsure: it answers {percent(test['coverage'])} of the held-out ones."
        )
    if objective.startswith("recall"):
        label = test["labels"][chosen["predicted_from"][0]]
        of_class = test["per_class"][label]
        return (
            f"It was made to find nearly all pictures of one class ({objective}): it finds "
            f"{percent(of_class['recall'])} of the held-out ones, and "
            f"{percent(of_class['precision'])} of those that it takes for {label} are."
        )
    return f"Its answers weigh mistakes by their costs ({objective})."


def held_out(metrics: Values) -> str:
    """The pictures that give the metrics."""
    return "pictures, each left out once" if metrics["folds"] > 1 else "held-out pictures"


def mistakes(count: int, test: Values, *, label_errors: Sequence[str]) -> str:
    """How many there are, and how many of them are probably the label's."""
    text = f"{count:,} of {test['n']:,} are wrong."
    if label_errors:
        text += (
            f" The labels of {len(label_errors):,} are probably wrong themselves, by confident "
            "learning (Northcutt et al. 2021): look at them first. 'convlens inspect --labels' "
            "goes through all pictures."
        )
    return text


def strange(share: float | None) -> str:
    """How many held-out pictures are strange to it."""
    if share is None:
        return ""
    return (
        "It also says how unlike the training pictures a picture is; of the held-out ones "
        f"{percent(share)} are strange to it, and most pictures of something else are."
    )


def calibration(test: Values, before: Mapping[str, float]) -> str:
    """Whether it is as sure as it is right, and what the temperature did."""
    return (
        f"On average the share right differs from the probability by {percent(test['ece'])} "
        f"(expected calibration error; {percent(before['ece'])} before the temperature was "
        f"fitted), and J is {test['cost']:.3f} ({before['cost']:.3f} before)."
    )
