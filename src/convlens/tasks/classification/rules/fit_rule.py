"""From what was asked of answers to the rule in the detector, by validation pictures."""

import re
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from ....errors import ConvlensError, UsageError
from ....options import AnswerOptions
from ....pictures.label import normal_label
from ..labels import unequal
from .rule import BALANCE, MOST_PROBABLE, UNSURE, Rule

_RECALL = re.compile(r"(?P<label>.+)=(?P<share>[0-9.]+)")
_COST = r"\s*(?P<true>{label})>(?P<predicted>{label})=(?P<cost>[0-9.]+)\s*(?:,|$)"


def check_answers(
    options: AnswerOptions, classes: tuple[str, ...], *, held_out: Collection[str]
) -> None:
    """Raise a `ConvlensError` where what was asked cannot be: before training, not after it.

    `held_out` are the labels of the pictures that the rule will be fitted on.
    """
    if options.costs is not None:
        _costs(options.costs, classes)
    if options.coverage is not None and UNSURE in classes:
        raise UsageError(
            f"--coverage answers {UNSURE!r}, and a class is called so: give it another name"
        )
    if not held_out and (options.recall is not None or options.coverage is not None):
        raise UsageError("--coverage and --recall are set on validation pictures: hold some out")
    if options.recall is not None:
        label, _ = _recall(options.recall, classes)
        if label not in held_out:
            raise ConvlensError(
                f"--recall {options.recall}: no validation picture is of class {label!r}, and its "
                "threshold is set on those: add some, or hold more out (--val-fraction)"
            )


def make_rule(
    options: AnswerOptions,
    classes: tuple[str, ...],
    *,
    true_N: npt.NDArray[np.int64],
    probabilities_NK: npt.NDArray[np.float32],
    learnt_K: npt.NDArray[np.int64],
) -> Rule:
    """The rule that was asked for, by pictures with these classes and calibrated probabilities.

    `learnt_K` are the training pictures per class.
    """
    if options.costs is not None:
        return cost_rule(_costs(options.costs, classes), classes)
    if options.recall is not None:
        label, share = _recall(options.recall, classes)
        return recall_rule(
            label, share, labels=classes, true_N=true_N, probabilities_NK=probabilities_NK
        )
    if options.coverage is not None:
        return coverage_rule(options.coverage, probabilities_NK)
    if options.balances and unequal(learnt_K.tolist()):
        return balance_rule(learnt_K)
    return MOST_PROBABLE


def coverage_rule(coverage: float, probabilities_NK: npt.NDArray[np.float32]) -> Rule:
    """Answers about this share of pictures like these; the least sure ones get none."""
    if not len(probabilities_NK):  # a training that was stopped before anything was judged
        return MOST_PROBABLE
    least = float(np.quantile(probabilities_NK.max(1), 1 - coverage, method="lower"))
    return Rule(f"coverage {coverage:g}", unsure_below=least)


def recall_rule(
    label: str,
    recall: float,
    *,
    labels: tuple[str, ...],
    true_N: npt.NDArray[np.int64],
    probabilities_NK: npt.NDArray[np.float32],
) -> Rule:
    """Finds this share of the pictures of one class, at the price of more false alarms.

    The share found from the k-th lowest of n probabilities on is 1 - k / (n + 1) in the mean; the
    largest such k is taken, and 1 where n is too small for any.
    """
    k = labels.index(label)
    own = np.sort(probabilities_NK[true_N == k, k])
    if not len(own):  # in a fold of few pictures; before training it is refused
        return MOST_PROBABLE
    rank = max(1, int((1 - recall) * (len(own) + 1) + 1e-9))
    return Rule(f"recall {label}={recall:g}", predicted_from=(k, float(own[rank - 1])))


def balance_rule(counts_K: npt.NDArray[np.int64]) -> Rule:
    """Every class counts alike: its probability weighs the more, the fewer pictures it has.

    `counts_K` are the training pictures per class. So the answer is the class whose probability is
    highest in proportion to its share of them (Menon et al. 2021), and probabilities stay as they
    are, calibrated. A class without any is never the answer.
    """
    learnt_K = counts_K > 0
    weights = learnt_K * counts_K.sum() / (learnt_K.sum() * np.maximum(counts_K, 1))
    return Rule(BALANCE, weights=tuple(weights.tolist()))


def cost_rule(costs: dict[tuple[str, str], float], labels: tuple[str, ...]) -> Rule:
    """Costs of calling the first label the second; other mistakes cost 1."""
    words = ",".join(f"{true}>{predicted}={cost:g}" for (true, predicted), cost in costs.items())
    table = ((labels.index(t), labels.index(p), cost) for (t, p), cost in costs.items())
    return Rule(f"costs {words}", costs=tuple(table))


def _recall(text: str, classes: tuple[str, ...]) -> tuple[str, float]:
    match = _RECALL.fullmatch(text)
    if match is None or not 0 < _number(match["share"], text) < 1:
        raise UsageError(f"--recall {text}: it is LABEL=SHARE, such as {classes[0]}=0.99")
    return _known(match["label"], classes, text=text), float(match["share"])


def _costs(text: str, classes: tuple[str, ...]) -> dict[tuple[str, str], float]:
    """The costs by (true, predicted), where labels may have commas, `>` and `=` of their own."""
    labels = "|".join(re.escape(label) for label in sorted(classes, key=len, reverse=True))
    of_known, of_any = (re.compile(_COST.format(label=label)) for label in (labels, "[^,]+"))
    costs: dict[tuple[str, str], float] = {}
    position = 0
    while position < len(text) or not costs:
        match = of_known.match(text, position) or of_any.match(text, position)
        if match is None:
            raise UsageError(
                f"--costs {text}: each is TRUE>PREDICTED=COST, such as {classes[0]}>{classes[1]}=10"
            )
        position = match.end()
        pair = (
            _known(match["true"], classes, text=text),
            _known(match["predicted"], classes, text=text),
        )
        if pair[0] == pair[1]:
            raise UsageError(f"--costs {text}: calling {pair[0]!r} itself is no mistake")
        costs[pair] = _number(match["cost"], text)
    return costs


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{whole}: {text!r} is no number") from None


def _known(label: str, classes: tuple[str, ...], *, text: str) -> str:
    label = normal_label(label)
    if label not in classes:
        shown = ", ".join(map(repr, classes[:20]))
        raise ConvlensError(f"{text}: there is no class {label!r}; there are {shown}")
    return label
