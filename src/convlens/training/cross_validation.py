"""Nested cross-validation, for few pictures.

Each picture is answered by a head, or a network, that learnt from other folds, with its strength,
temperature and rule chosen within those: so all pictures give figures, and the detector may learn
from all.
"""

import shutil
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load, save

from ..dataset.prepare import Dataset
from ..engine.calibration import fit_temperature
from ..engine.callbacks import Callback
from ..engine.loop import Loop
from ..engine.measurement import predict_examples
from ..errors import UsageError
from ..files import write_whole
from ..options import AnswerOptions, TrainOptions
from ..pictures.catalog import SPLITS
from ..tasks.classification.fit_rule import make_rule
from ..transfer.head import FOLDS, folds
from ..transfer.linear_probe import LinearProbe

FEW = 1000
"""Below so many pictures, a single held-out part says little."""
JUDGED = 10
"""Of the pictures that a fold's network may learn from, one in so many makes its choices."""


@dataclass(frozen=True)
class OutOfFold:
    """What pictures were answered by that which did not learn from them.

    Their places [M] among the training pictures, logits [M, K] as they came, calibrated
    probabilities [M, K], and answers [M], -1 for unsure.
    """

    places: npt.NDArray[np.int64]
    logits: torch.Tensor
    _: KW_ONLY
    probabilities: npt.NDArray[np.float32]
    predicted: npt.NDArray[np.int64]

    @staticmethod
    def of(parts: "list[OutOfFold]", classes: int) -> "OutOfFold":
        """Several folds together, in the order of the pictures."""
        none = OutOfFold(
            np.zeros(0, np.int64),
            torch.zeros(0, classes),
            probabilities=np.zeros((0, classes), np.float32),
            predicted=np.zeros(0, np.int64),
        )
        parts = [none, *parts]
        places = np.concatenate([part.places for part in parts])
        order = np.argsort(places)
        return OutOfFold(
            places[order],
            torch.cat([part.logits for part in parts])[torch.from_numpy(order)],
            probabilities=np.concatenate([part.probabilities for part in parts])[order],
            predicted=np.concatenate([part.predicted for part in parts])[order],
        )


def choose_folds(asked: TrainOptions, dataset: Dataset, *, weights: str) -> int:
    """How many folds there will be; 1 where a part is held out. Raises `UsageError`."""
    data, learnt = asked.data, weights in {"package", "hub"}
    given = set(dataset.catalog.splits) & {"val", "test"}
    if data.folds is None:
        with_splits = given or data.test_fraction is not None or data.val_fraction is not None
        if with_splits or not learnt or asked.budget.given or len(dataset.catalog) >= FEW:
            return 1
        return FOLDS
    if data.folds > 1:
        if given:
            raise UsageError("--folds: the data names its held-out pictures already")
        if data.test_fraction or data.val_fraction:
            raise UsageError("--folds judges every picture: hold none out by a fraction")
        if learnt and (asked.budget.epochs or asked.budget.minutes or asked.budget.steps):
            raise UsageError("--folds: features stay as they are, so there are no steps to take")
    return data.folds


def cross_validate_probe(
    start: LinearProbe, count: int, *, asked: AnswerOptions, classes: tuple[str, ...]
) -> OutOfFold:
    """The answers to the training pictures of heads on fixed features, each from other folds."""
    train, parts = start.train, []
    fold = folds(train.labels, train.groups, seed=start.seed, count=count)
    for k in sorted(set(fold.tolist())):
        judged = fold == k
        other = start.of(~judged)
        logits, labels = other.judged()
        learnt = other.train.labels.bincount(minlength=len(classes))
        found = other.head().logits(train.features[judged].mean(1))
        places = np.where(judged.numpy())[0]
        parts.append(
            _answered(
                places,
                found,
                chosen_by=(logits, labels),
                learnt_K=learnt,
                asked=asked,
                classes=classes,
            )
        )
    return OutOfFold.of(parts, len(classes))


def cross_validate_training(
    dataset: Dataset,
    count: int,
    *,
    asked: TrainOptions,
    begin: Callable[[Dataset], Loop],
    folder: Path,
    stop: Callable[[], bool],
    callback: Callback,
) -> OutOfFold:
    """The same of networks trained from random parameters, by loops that `begin` makes.

    A tenth of what a fold's network may see are its validation pictures. Finished folds, and
    checkpoints of the one under way, are kept in `folder`, so that a stopped run goes on; folds
    that were not reached are missing from the answers.
    """
    rows, whole = np.array(dataset.split.rows("train")), dataset.examples("train")
    labels, groups = torch.from_numpy(whole.labels), torch.from_numpy(whole.groups)
    fold = folds(labels, groups, seed=asked.data.seed, count=count)
    parts = []
    for number, k in enumerate(sorted(set(fold.tolist())), 1):
        judged = fold == k
        inner = folds(labels[~judged], groups[~judged], seed=asked.data.seed, count=JUDGED)
        side = np.full(len(rows), SPLITS.index("test"))
        side[~judged.numpy()] = np.where(inner == 0, SPLITS.index("val"), SPLITS.index("train"))
        part = dataset.with_splits({int(r): SPLITS[s] for r, s in zip(rows, side, strict=True)})
        kept, checkpoints = folder / f"{k}.safetensors", folder / f"{k}"
        if not kept.exists():
            if stop():
                break
            callback.say(f"fold {number} of {int(fold.max()) + 1}")
            loop = begin(part)
            if checkpoints.exists():
                loop.restore(checkpoints, callback.warn)
            if not loop.run(checkpoints, [callback], stop=stop):
                break
            loop.module.load_state_dict(loop.best)
            found = {
                name: predict_examples(loop.module, part.examples(name), execution=loop.execution)
                for name in ("val", "test")
            }
            write_whole(kept, save(found))
            shutil.rmtree(checkpoints, ignore_errors=True)
        found = load(kept.read_bytes())
        val = torch.from_numpy(part.examples("val").labels)
        learnt = torch.from_numpy(part.examples("train").labels).bincount(minlength=whole.classes)
        places = np.where(judged.numpy())[0]
        parts.append(
            _answered(
                places,
                found["test"],
                chosen_by=(found["val"], val),
                learnt_K=learnt,
                asked=asked.answer,
                classes=dataset.classes,
            )
        )
    return OutOfFold.of(parts, whole.classes)


def _answered(
    places: npt.NDArray[np.int64],
    logits_MK: torch.Tensor,
    *,
    chosen_by: tuple[torch.Tensor, torch.Tensor],
    learnt_K: torch.Tensor,
    asked: AnswerOptions,
    classes: tuple[str, ...],
) -> OutOfFold:
    """Calibrated, and answered by a rule, both of which logits and labels of others decide."""
    others, labels = chosen_by
    temperature = fit_temperature(others, labels)
    sure = torch.softmax(others / temperature, 1).numpy()
    rule = make_rule(
        asked, classes, true_N=labels.numpy(), probabilities_NK=sure, learnt_K=learnt_K.numpy()
    )
    p = torch.softmax(logits_MK / temperature, 1).numpy()
    return OutOfFold(places, logits_MK, probabilities=p, predicted=rule.predict(p))
