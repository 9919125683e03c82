"""The report's sentences."""

from collections.abc import Sequence
from typing import Any

from ..detector.rule import BALANCE

RULE = (
    "Fine-tuning is taken where its cost on the validation pictures is lower by more than a "
    "standard error of the paired costs, or, where the features cost 0.1 or more, at all lower."
)


def percent(share: float, digits: int = 1) -> str:
    """0.1234 as `12.3 %`, with a space at which no line breaks."""
    return f"{100 * share:.{digits}f}\u00a0%"


def title(classes: Sequence[str]) -> str:
    """What the page is about."""
    named = " or ".join(classes) if len(classes) <= 4 else f"{len(classes)} classes"
    return f"{named}: a detector"


def summary(test: dict[str, Any] | None, metrics: dict[str, Any], *, classes: Sequence[str]) -> str:
    """How good the detector is, in words that need no training."""
    if test is None:
        return "There were no held-out pictures, so nothing can be said of how good it is."
    if metrics["plain"] is not None:
        return _unequal(test, metrics)
    low, high = test["interval"]
    answered = " where it answers" if test["coverage"] < 1 else ""
    return (
        f"{_judged_on(test, metrics)} is right {percent(test['accuracy'])} of the time{answered}. "
        f"With so many pictures the true figure lies between {percent(low)} and {percent(high)} "
        "(95\u00a0% interval). Always answering the commonest of the "
        f"{len(classes)} classes would be right {percent(test['majority_baseline'])} of the time."
    )


def _judged_on(test: dict[str, Any], metrics: dict[str, Any]) -> str:
    if metrics["folds"] > 1:
        return (
            f"There are few pictures, so all {test['n']:,} were judged, each by a detector that "
            f"neither learnt from it nor was chosen by it ({metrics['folds']} folds), and the one "
            "in this file then learnt from all of them. Such a detector"
        )
    return (
        f"On {test['n']:,} pictures that played no part in training or in any choice, the detector"
    )


def _unequal(test: dict[str, Any], metrics: dict[str, Any]) -> str:
    """The summary where classes are unequal: balanced accuracy leads."""
    plain = metrics["plain"]
    low, high = test["balanced_interval"]
    rarest = min(test["per_class"], key=lambda label: test["per_class"][label]["support"] or 1e9)
    found, plainly = (percent(one["per_class"][rarest]["recall"]) for one in (test, plain))
    guess = percent(1 / max(1, len(test["labels"])))
    return (
        f"The classes are unequal, so each counts alike. {_judged_on(test, metrics)} finds "
        f"{percent(test['balanced_accuracy'])} of a class on average (95\u00a0% interval "
        f"{percent(low)} to {percent(high)}; a guess finds {guess}). Of {rarest}, the rarest, it "
        f"finds {found}; if every picture counted alike, {plainly}. It is right "
        f"{percent(test['accuracy'])} of the time; always answering the commonest class would be "
        f"right {percent(test['majority_baseline'])} of the time."
    )


def rule(asked: dict[str, Any], test: dict[str, Any] | None) -> str:
    """What was asked of the answers, and how much of it came true on held-out pictures."""
    objective = asked["objective"]
    if objective in {"", BALANCE} or test is None:  # what balance does, the summary says
        return ""
    if objective.startswith("coverage"):
        return (
            f"It was made to answer the surest pictures only ({objective}), and to call the others "
            f"unsure: it answers {percent(test['coverage'])} of the held-out ones."
        )
    if objective.startswith("recall"):
        label = test["labels"][asked["predicted_from"][0]]
        one = test["per_class"][label]
        return (
            f"It was made to find nearly all pictures of one class ({objective}): it finds "
            f"{percent(one['recall'])} of the held-out ones, and {percent(one['precision'])} of "
            f"those that it calls {label} are."
        )
    return f"Its answers weigh mistakes by their costs ({objective})."


def held(metrics: dict[str, Any]) -> str:
    """The pictures that give the figures."""
    return "pictures, each left out once" if metrics["folds"] > 1 else "held-out pictures"


def mistakes(count: int, test: dict[str, Any] | None, *, label_errors: Sequence[str]) -> str:
    """How many there are, and how many of them are probably the label's."""
    if test is None:
        return ""
    text = f"{count:,} of {test['n']:,} are wrong."
    if label_errors:
        text += (
            f" The labels of {len(label_errors):,} are probably wrong themselves, by confident "
            "learning (Northcutt et al. 2021): look at them first. 'convlens inspect --labels' "
            "goes through all pictures."
        )
    return text


def strange(share: float | None) -> str:
    """How many held-out pictures are called strange."""
    if share is None:
        return ""
    return (
        "It also says how unlike the training pictures a picture is; of the held-out ones it calls "
        f"{percent(share)} strange. Most pictures of something else are strange to it."
    )


def calibration(test: dict[str, Any], before: dict[str, float]) -> str:
    """Whether it is as sure as it is right, and what the temperature did."""
    return (
        f"On average the share right differs from the probability by {percent(test['ece'])} "
        f"(expected calibration error; {percent(before['ece'])} before the temperature was "
        f"fitted), and J is {test['cost']:.3f} ({before['cost']:.3f} before)."
    )


def learned(training: dict[str, Any], record: dict[str, Any]) -> str:
    """How long it learned from what, and which parameters are kept."""
    planned, chosen = training["steps_planned"], record["chosen"]
    side = f"{chosen['size']}×{chosen['size']} pixels"
    if not planned:
        return f"Only the head was fitted, on features of pictures of {side}."
    of_planned = f"of {planned:,} " if training["steps"] < planned else ""
    return (
        f"{training['steps']:,} {of_planned}steps of {chosen['batch']:,} pictures of up to {side} "
        f"in {chosen['compute']}. The parameters kept are those after step "
        f"{training['best_step']:,}, by their cost on the validation pictures. The cost on "
        "training pictures is measured on varied pictures, and with label smoothing where that is "
        "on, so it can lie above the other."
    )


def tried(tries: dict[str, Any] | None) -> str:
    """With pretrained parameters: what was tried, and which of it won."""
    if tries is None:
        return ""
    frozen, tuned = tries["frozen"], tries["tuned"]
    text = (
        "The pretrained features as they are, with a linear head on them, have cost "
        f"{tries['cost']:.4f} on pictures that the head was not fitted on"
        f"{_held(frozen, '; on the validation pictures')}. "
    )
    again = "The head was fitted again on all pictures that are not held out."
    if tuned is None:
        return text + f"Fine-tuning the later layers was not tried. {again}"
    text += f"{_held(tuned, 'Fine-tuning the later layers, at its best')}. "
    if tries["fine-tuned"]:
        return text + f"It was taken. {RULE}"
    return text + f"It was not taken, and the features stay as they are. {RULE} {again}"


def _held(moment: dict[str, Any], what: str) -> str:
    if moment["cost_val"] is None:
        return ""
    return f"{what}: cost {moment['cost_val']:.4f}, accuracy {percent(moment['accuracy_val'])}"
