"""Which of all labels are probably wrong, before any training."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..dataset.prepare import Dataset
from ..progress import Progress
from ..tasks.classification.label_errors import find_label_errors
from ..tasks.classification.objective import plain_objective
from ..transfer.head import FeatureSet
from ..transfer.linear_probe import fit_linear_probe


@dataclass(frozen=True)
class LabelIssue:
    """A picture whose label is probably wrong.

    `suggested` is the class that it looks like, with a `probability` (0 to 1) that comes from a
    head that did not learn from this picture.
    """

    name: str
    label: str
    _: KW_ONLY
    suggested: str
    probability: float


def label_issues(
    dataset: Dataset,
    features: FeatureSet,
    *,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> tuple[LabelIssue, ...]:
    """The pictures whose label is probably wrong, the surest first.

    Each picture's probabilities come from a linear head, fitted on folds that hold neither it nor a
    near duplicate or another picture of its group.

    Args:
        dataset: The pictures.
        features: Their features, as `pretrained_features` gives both.
        seed: Decides the folds.
        progress: Called after each fold.
    """
    classes = len(dataset.classes)
    objective = plain_objective(classes)
    probe = fit_linear_probe(features, objective=objective, seed=seed)
    C = probe.best_c()
    probabilities_NK = np.full((len(features.labels), classes), 1 / classes, np.float64)
    for done, k in enumerate(probe.folds, 1):
        held_out = probe.fold == k
        logits = probe.head_without(k, C=C).logits(features.pooled(held_out)).double()
        probabilities_NK[held_out.numpy()] = logits.softmax(1).numpy()
        progress("judging labels", done, len(probe.folds))
    rows = find_label_errors(features.labels.numpy(), probabilities_NK)
    suggested = probabilities_NK.argmax(1)
    return tuple(
        LabelIssue(
            dataset.catalog.names[row],
            dataset.catalog.labels[row],
            suggested=dataset.classes[suggested[row]],
            probability=round(float(probabilities_NK[row].max()), 4),
        )
        for row in rows.tolist()
    )
