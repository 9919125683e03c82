"""Classes that are poorly found are named, with what would find more; bad luck is not."""

import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from convlens.tasks.classification.evaluation import evaluate, summary
from convlens.tasks.classification.metrics import Metrics, compute_metrics
from convlens.tasks.classification.prediction import predict
from convlens.tasks.classification.rules.advice import FAR, LEVEL, advice, poorly_found
from convlens.tasks.classification.rules.fit_rule import recall_rule
from convlens.tasks.classification.rules.rule import Rule

CLASSES = ("sound", "cracked, or so")


def drawn(n: int, seed: int, shift: float = 1.6) -> dict[str, Any]:
    """Labels and exact posteriors where 30 % are of the second class, which is hard to tell."""
    random = np.random.default_rng(seed)
    true = (random.random(n) < 0.3).astype(np.int64)
    odds = 0.3 / 0.7 * np.exp(shift * (random.normal(size=n) + shift * true) - shift**2 / 2)
    p = np.stack((1 / (1 + odds), odds / (1 + odds)), 1).astype(np.float32)
    return {"true_N": true, "probabilities_NK": p}


def of_hits(hits: list[int], support: list[int]) -> Metrics:
    """Metrics of so many pictures found per class; those missed are taken for the next class."""
    true = np.repeat(np.arange(len(support)), support)
    places = np.concatenate([np.arange(n) for n in support])
    predicted = np.where(places < np.repeat(hits, support), true, (true + 1) % len(support))
    labels = tuple(map(str, range(len(support))))
    p = np.eye(len(support), dtype=np.float32)[predicted]
    return compute_metrics(labels, true, probabilities_NK=p)


def test_a_class_that_is_poorly_found_is_named_with_what_finds_more() -> None:
    held_out, judged = drawn(525, 0), drawn(260, 1)
    metrics = compute_metrics(CLASSES, **held_out)
    (text,) = advice(metrics, Rule(), judged=tuple(judged.values()))
    of_class = metrics.per_class["cracked, or so"]
    assert f"({of_class.recall:.1%}), while {metrics.accuracy:.1%} of all" in text
    option = re.search(r"--recall '(.*)=([0-9.]+)'", text)
    assert option is not None
    rule = recall_rule(option[1], float(option[2]), labels=CLASSES, **judged)
    predicted = rule.predict(judged["probabilities_NK"])
    then = compute_metrics(CLASSES, **judged, predicted_N=predicted)
    assert f"{then.per_class['cracked, or so'].recall:.0%} are found (now" in text
    assert f"{then.accuracy:.0%} of all are right (now" in text
    found = compute_metrics(
        CLASSES, **held_out, predicted_N=rule.predict(held_out["probabilities_NK"])
    )
    assert found.per_class["cracked, or so"].recall > of_class.recall + 0.1  # it comes true


def test_evaluate_says_it_too() -> None:
    drawings = drawn(525, 0)
    answers = [
        (CLASSES[k], predict("x.png", [p], classes=CLASSES, rule=Rule()))
        for k, p in zip(drawings["true_N"], drawings["probabilities_NK"], strict=True)
    ]
    sources: Any = [None] * len(answers)
    text = "\n".join(map(str, summary(evaluate(answers, sources), rule=Rule())))
    assert "Training with --recall 'cracked, or so=0.8' finds more" in text
    asked = Rule("recall sound=0.99", predicted_from=(0, 0.1))
    text = "\n".join(map(str, summary(evaluate(answers, sources), rule=asked)))
    assert "only" in text
    assert "--recall" not in text  # which asks for one class only


@pytest.mark.parametrize(
    ("hits", "support"),
    [([360, 105], [361, 164]), ([95, 1], [100, 3]), ([88, 80], [100, 100]), ([50, 0], [50, 0])],
)
def test_it_is_named_where_a_binomial_test_of_all_classes_says_so(
    hits: list[int], support: list[int]
) -> None:
    metrics = of_hits(hits, support)
    accuracy = sum(hits) / sum(support)
    wanted = [
        str(k)
        for k, (found, n) in enumerate(zip(hits, support, strict=True))
        if n
        and found / n <= accuracy - FAR
        and binomtest(found, n, accuracy, "less").pvalue < LEVEL / len(support)
    ]
    assert poorly_found(metrics) == wanted


def test_of_many_classes_alike_none_is_named_for_bad_luck() -> None:
    random = np.random.default_rng(0)
    hits = [random.binomial(20, 0.8, 50).tolist() for _ in range(40)]
    assert sum(bool(poorly_found(of_hits(found, [20] * 50))) for found in hits) <= 4


def test_the_worst_come_first_and_the_others_are_counted() -> None:
    metrics = of_hits([5000, 10, 20, 30, 40, 50], [5000, 100, 100, 100, 100, 100])
    assert poorly_found(metrics) == ["1", "2", "3", "4", "5"]
    *_, last = advice(metrics, Rule())
    assert last == "As poorly found are 2 other classes."
