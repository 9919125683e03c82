"""Nested cross-validation of fixed features under a head, for few pictures.

Each picture is answered by a head that learnt from other folds, with its strength, temperature and
rule chosen within those: so all pictures give figures, and the detector may learn from all.
"""

import numpy as np
import numpy.typing as npt
import torch

from ..errors import UsageError
from .answers import make_rule
from .frozen import FrozenStart
from .head import FOLDS, folds
from .options import AnswerOptions, TrainOptions
from .prepare import Prepared
from .temperature import fit_temperature

FEW = 500
"""Below so many pictures, validation pictures are too few for fine-tuning, and a single held-out
part is too small to say much."""


def settle_folds(asked: TrainOptions, prepared: Prepared, weights: str) -> int:
    """How many folds there will be; 1 where a part is held out. Raises `UsageError`."""
    data, learnt = asked.data, weights in {"package", "hub"}
    given = set(prepared.catalog.splits) & {"val", "test"}
    if data.folds is None:
        divided = given or data.test_fraction is not None or data.val_fraction is not None
        if divided or not learnt or asked.budget.given or len(prepared.catalog) >= FEW:
            return 1
        return FOLDS
    if data.folds > 1:
        if not learnt:
            raise UsageError("--folds: cross-validation is for pretrained features (--weights)")
        if given:
            raise UsageError("--folds: the data names its held-out pictures already")
        if asked.budget.epochs or asked.budget.minutes or asked.budget.steps:
            raise UsageError("--folds: features stay as they are, so there are no steps to take")
    return data.folds


def answer_crossed(
    start: FrozenStart, count: int, asked: AnswerOptions, classes: tuple[str, ...]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Probabilities [N, K] and answers [N] of the training pictures, each from the other folds."""
    train = start.train
    fold = folds(train.labels, train.together, start.seed, count)
    probabilities = np.zeros((len(fold), len(classes)), np.float32)
    called = np.zeros(len(fold), np.int64)
    for k in sorted(set(fold.tolist())):
        judged = fold == k
        other = start.of(~judged)
        logits, labels = other.judged()
        temperature = fit_temperature(logits, labels)
        rule = make_rule(
            asked,
            classes,
            labels.numpy(),
            torch.softmax(logits / temperature, 1).numpy(),
            other.train.labels.bincount(minlength=len(classes)).numpy(),
        )
        found = other.head().logits(train.features[judged].mean(1)) / temperature
        p = torch.softmax(found, 1).numpy()
        probabilities[judged.numpy()], called[judged.numpy()] = p, rule.places(p)
    return probabilities, called
