"""An evaluation for a terminal."""

from collections.abc import Iterator

from ..shown import Grid
from .evaluation import BoxEvaluation
from .rule import BoxRule

LISTED = 10
"""Errors that a terminal shows."""


def summary(evaluation: BoxEvaluation, *, rule: BoxRule) -> Iterator[str | Grid]:
    """The metrics, class by class, and the plainest errors, for a terminal."""
    metrics = evaluation.metrics
    low, high = metrics.ap50_interval
    yield f"pictures      {metrics.n:,} with {metrics.objects:,} objects"
    yield f"AP50          {metrics.ap50:.2%}  (95 % interval {low:.2%} to {high:.2%})"
    yield f"AP            {metrics.ap:.2%}"
    for name, words in (
        ("AP75", "AP75"),
        ("AP_small", "of small ones"),
        ("AP_medium", "of medium"),
        ("AP_large", "of large ones"),
    ):
        value = metrics.coco[name]
        if value is not None:
            yield f"{words:<13} {value:.2%}"
    low, high = metrics.counts_right_interval
    yield (
        f"counts right  {metrics.counts_right:.2%} of pictures  "
        f"(95 % interval {low:.2%} to {high:.2%})"
    )
    yield ""
    yield Grid(
        ["class", "objects", "recall", "precision", "F1", "AP50"],
        [
            [
                label,
                f"{of.objects:,}",
                f"{of.recall:.2%}",
                f"{of.precision:.2%}",
                f"{of.f1:.2%}",
                "" if of.ap50 is None else f"{of.ap50:.2%}",
            ]
            for label, of in metrics.per_class.items()
        ],
    )
    yield ""
    yield rule.sentence(list(metrics.per_class))
    for words, wrong in (("missed", evaluation.missed), ("not there", evaluation.false)):
        if wrong:
            yield ""
            yield f"{words}: {len(wrong):,} objects"
        for one in wrong[:LISTED]:
            score = "" if one.score is None else f" ({one.score:.1%})"
            edges = ", ".join(f"{at:.0f}" for at in one.box)
            yield f"  {one.label}{score} at ({edges})  {one.name}"
