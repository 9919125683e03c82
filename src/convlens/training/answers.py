"""From what was asked of answers to the rule in the detector, by validation pictures."""

import re

import numpy as np
import numpy.typing as npt

from ..detector.rule import MOST_PROBABLE, Rule, balance_rule, cost_rule, coverage_rule, recall_rule
from ..errors import ConvlensError, UsageError
from ..options import AnswerOptions
from ..pictures.catalog import unequal

_RECALL = re.compile(r"(?P<label>.+)=(?P<share>[0-9.]+)")
_COST = re.compile(r"(?P<true>.+)>(?P<predicted>.+)=(?P<cost>[0-9.]+)")


def check_answers(asked: AnswerOptions, classes: tuple[str, ...], *, held: int) -> None:
    """Raise a `ConvlensError` where what was asked cannot be: before training, not after it."""
    if asked.recall is not None:
        _recall(asked.recall, classes)
    if asked.costs is not None:
        _costs(asked.costs, classes)
    if not held and (asked.recall is not None or asked.coverage is not None):
        raise UsageError("--coverage and --recall are set on validation pictures: hold some out")


def make_rule(
    asked: AnswerOptions,
    classes: tuple[str, ...],
    *,
    true_N: npt.NDArray[np.int64],
    probabilities_NK: npt.NDArray[np.float32],
    learnt_K: npt.NDArray[np.int64],
) -> Rule:
    """The rule that was asked for, by pictures with these classes and calibrated probabilities.

    `learnt_K` are the training pictures per class.
    """
    if asked.costs is not None:
        return cost_rule(_costs(asked.costs, classes), classes)
    if asked.recall is not None:
        label, share = _recall(asked.recall, classes)
        return recall_rule(
            label, share, labels=classes, true_N=true_N, probabilities_NK=probabilities_NK
        )
    if asked.coverage is not None:
        return coverage_rule(asked.coverage, probabilities_NK)
    if asked.balance == "auto" and unequal(learnt_K.tolist()):
        return balance_rule(learnt_K)
    return MOST_PROBABLE


def _recall(text: str, classes: tuple[str, ...]) -> tuple[str, float]:
    found = _RECALL.fullmatch(text)
    if found is None or not 0 < _number(found["share"], text) < 1:
        raise UsageError(f"--recall {text}: it is LABEL=SHARE, such as {classes[0]}=0.99")
    return _known(found["label"], classes, text=text), float(found["share"])


def _costs(text: str, classes: tuple[str, ...]) -> dict[tuple[str, str], float]:
    costs = {}
    for part in text.split(","):
        found = _COST.fullmatch(part.strip())
        if found is None:
            raise UsageError(
                f"--costs {text}: each is TRUE>PREDICTED=COST, such as {classes[0]}>{classes[1]}=10"
            )
        pair = (
            _known(found["true"], classes, text=text),
            _known(found["predicted"], classes, text=text),
        )
        if pair[0] == pair[1]:
            raise UsageError(f"--costs {text}: calling {pair[0]!r} itself is no mistake")
        costs[pair] = _number(found["cost"], text)
    return costs


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{whole}: {text!r} is no number") from None


def _known(label: str, classes: tuple[str, ...], *, text: str) -> str:
    if label not in classes:
        shown = ", ".join(map(repr, classes[:20]))
        raise ConvlensError(f"{text}: there is no class {label!r}; there are {shown}")
    return label
