"""Labels that are probably wrong: confident learning (Northcutt et al. 2021), by cleanlab."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from cleanlab.filter import find_label_issues

from ..errors import ConvlensError
from ..network.named import usual_size
from ..network.pretrained import LITE0, PACKAGE, installed_file
from ..network.spec import PREFIX
from ..pictures.hashing import Progress
from ..training.features import features_of
from ..training.head import FOLDS, Side, best_head, choose_strength, folds
from ..training.model import ENLARGED, Pretrained, make_module
from ..training.options import DataOptions
from ..training.prepare import prepare


@dataclass(frozen=True)
class Suspect:
    """A picture whose label is probably wrong: what it looks like instead, and how surely, 0 to 1.

    `probability` comes from a network that did not learn from this picture.
    """

    name: str
    label: str
    suggested: str
    probability: float


def probably_wrong(
    pictures: str | Path, group: str | None = None, progress: Progress = lambda *_: None
) -> tuple[Suspect, ...]:
    """The pictures whose label is probably wrong, the surest first.

    Each picture is judged by a linear head on pretrained features, fitted on folds that hold
    neither it nor a near duplicate or another picture of its group. Raises `ConvlensError` where no
    pretrained parameters are installed.
    """
    if installed_file() is None:
        raise ConvlensError(f"looking for wrong labels needs the package: pip install {PACKAGE}")
    line = PREFIX + LITE0
    options = DataOptions(test_fraction=0.0, val_fraction=0.0, group=group)
    prepared = prepare(pictures, options, progress, round((usual_size(line) or 224) * ENLARGED))
    rows = list(range(len(prepared.catalog)))  # those that no side has, too
    examples = prepared.examples_of(rows)
    classes = len(prepared.classes)
    module = make_module(line, prepared.store.size, classes, 0, (0,), (1,), "package")
    assert isinstance(module, Pretrained)  # noqa: S101
    features = torch.from_numpy(features_of(module, examples, progress))
    ones = torch.ones(classes)
    together = torch.tensor(prepared.split.together)
    whole = Side(features, torch.from_numpy(examples.labels), together)
    costs = choose_strength(whole, whole.take(together < 0), classes, ones, 0)
    strength = min(costs, key=costs.__getitem__)
    probabilities = np.full((len(rows), classes), 1 / classes, np.float64)
    fold = folds(whole.labels, together, 0)
    for k in range(FOLDS):
        judged = fold == k
        head = best_head(whole.take(~judged), classes, strength, ones)
        logits = head.logits(features[judged].mean(1)).double()
        probabilities[judged.numpy()] = logits.softmax(1).numpy()
        progress("judging labels", k + 1, FOLDS)
    found = find_label_issues(
        examples.labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    suggested = probabilities.argmax(1)
    return tuple(
        Suspect(
            prepared.catalog.names[row],
            prepared.catalog.labels[row],
            prepared.classes[suggested[row]],
            round(float(probabilities[row].max()), 4),
        )
        for row in found.tolist()
        if prepared.classes[suggested[row]] != prepared.catalog.labels[row]
    )
