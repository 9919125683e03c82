"""Which of all labels are probably wrong, before any training."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch

from ..dataset.prepare import Dataset
from ..evaluation.label_errors import find_label_errors
from ..pictures.hashing import Progress
from ..transfer.head import FOLDS, FeatureSet, best_head, folds
from ..transfer.linear_probe import probe_on


@dataclass(frozen=True)
class Suspect:
    """A picture whose label is probably wrong: what it looks like instead, and how surely, 0 to 1.

    `probability` comes from a network that did not learn from this picture.
    """

    name: str
    label: str
    _: KW_ONLY
    suggested: str
    probability: float


def probably_wrong(
    dataset: Dataset, whole: FeatureSet, *, progress: Progress = lambda *_: None
) -> tuple[Suspect, ...]:
    """The pictures whose label is probably wrong, the surest first.

    `whole` are pretrained features of all of them, see `frozen_side`. Each picture is judged by a
    linear head on them, fitted on folds that hold neither it nor a near duplicate or another
    picture of its group.
    """
    classes = len(dataset.classes)
    ones = torch.ones(classes)
    C = probe_on(whole, whole.take(whole.groups < 0), classes=classes, weights_K=ones, seed=0).C
    probabilities = np.full((len(whole.labels), classes), 1 / classes, np.float64)
    fold = folds(whole.labels, whole.groups, seed=0)
    for k in range(FOLDS):
        judged = fold == k
        head = best_head(whole.take(~judged), classes, C=C, weights_K=ones)
        logits = head.logits(whole.features[judged].mean(1)).double()
        probabilities[judged.numpy()] = logits.softmax(1).numpy()
        progress("judging labels", k + 1, FOLDS)
    found = find_label_errors(whole.labels.numpy(), probabilities)
    suggested = probabilities.argmax(1)
    return tuple(
        Suspect(
            dataset.catalog.names[row],
            dataset.catalog.labels[row],
            suggested=dataset.classes[suggested[row]],
            probability=round(float(probabilities[row].max()), 4),
        )
        for row in found.tolist()
    )
