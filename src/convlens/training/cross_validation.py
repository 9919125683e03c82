"""Nested cross-validation, for few pictures.

Each picture is answered by a head, or a network, that learnt from other folds, with its C,
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
from ..engine.loop import Loop
from ..engine.measurement import predict_examples
from ..errors import UsageError
from ..files import write_whole
from ..options import AnswerOptions, TrainOptions
from ..pictures.catalog import SPLITS
from ..tasks.classification.fit_rule import make_rule
from ..transfer.head import FOLDS, folds
from ..transfer.linear_probe import LinearProbe
from .job import Job

FEW = 1000
"""Below so many pictures, a single held-out part says little."""
JUDGED = 10
"""Of the pictures that a fold's network may learn from, one in so many makes its choices."""


@dataclass(frozen=True)
class OutOfFold:
    """What pictures were answered by that which did not learn from them.

    Their indices [M] among the training pictures, logits [M, K] as they came, calibrated
    probabilities [M, K], and predicted class indices [M], -1 for unsure.
    """

    indices: npt.NDArray[np.int64]
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
        indices = np.concatenate([part.indices for part in parts])
        order = np.argsort(indices)
        return OutOfFold(
            indices[order],
            torch.cat([part.logits for part in parts])[torch.from_numpy(order)],
            probabilities=np.concatenate([part.probabilities for part in parts])[order],
            predicted=np.concatenate([part.predicted for part in parts])[order],
        )


def choose_folds(options: TrainOptions, dataset: Dataset, *, pretrained: bool) -> int:
    """How many folds there will be; 1 where a part is held out. Raises `UsageError`."""
    data, budget = options.data, options.budget
    named = set(dataset.catalog.splits) & {"val", "test"}
    if data.folds is None:
        divided = named or data.test_fraction is not None or data.val_fraction is not None
        few = len(dataset.catalog) < FEW
        return FOLDS if pretrained and few and not divided and not budget.given else 1
    if data.folds > 1:
        if named:
            raise UsageError("--folds: the data names its held-out pictures already")
        if data.test_fraction or data.val_fraction:
            raise UsageError("--folds judges every picture: hold none out by a fraction")
        if pretrained and (budget.epochs or budget.minutes or budget.steps):
            raise UsageError("--folds: features stay as they are, so there are no steps to take")
    return data.folds


def cross_validate_probe(
    probe: LinearProbe, count: int, *, options: AnswerOptions, classes: tuple[str, ...]
) -> OutOfFold:
    """The answers to the training pictures of heads on fixed features, each from other folds."""
    train, parts = probe.train, []
    fold = folds(train.labels, train.groups, seed=probe.seed, count=count)
    for k in sorted(set(fold.tolist())):
        left_out = fold == k
        others = probe.of(~left_out)
        logits, labels = others.judged()
        parts.append(
            _answered(
                np.where(left_out.numpy())[0],
                others.head().logits(train.features[left_out].mean(1)),
                chosen_by=(logits, labels),
                learnt_K=others.train.labels.bincount(minlength=len(classes)),
                options=options,
                classes=classes,
            )
        )
    return OutOfFold.of(parts, len(classes))


def cross_validate_training(
    job: Job,
    count: int,
    *,
    begin: Callable[[Job], Loop],
    folder: Path,
    stop: Callable[[], bool],
) -> OutOfFold:
    """The same of networks trained from random parameters, by loops that `begin` makes.

    A tenth of what a fold's network may see are its validation pictures. Finished folds, and
    checkpoints of the one under way, are kept in `folder`, so that a stopped run goes on; folds
    that were not reached are missing from the answers.
    """
    whole = job.dataset.examples("train")
    labels, groups = torch.from_numpy(whole.labels), torch.from_numpy(whole.groups)
    fold = folds(labels, groups, seed=job.options.data.seed, count=count)
    parts = []
    for number, k in enumerate(sorted(set(fold.tolist())), 1):
        left_out = (fold == k).numpy()
        part = job.on(_without_fold(job.dataset, left_out, seed=job.options.data.seed))
        logits = _logits_of_fold(
            part,
            folder / f"{k}",
            begin=begin,
            stop=stop,
            title=f"fold {number} of {int(fold.max()) + 1}",
        )
        if logits is None:
            break
        val = torch.from_numpy(part.dataset.examples("val").labels)
        learnt = torch.from_numpy(part.dataset.examples("train").labels)
        parts.append(
            _answered(
                np.where(left_out)[0],
                logits["test"],
                chosen_by=(logits["val"], val),
                learnt_K=learnt.bincount(minlength=whole.classes),
                options=job.options.answer,
                classes=job.dataset.classes,
            )
        )
    return OutOfFold.of(parts, whole.classes)


def _without_fold(dataset: Dataset, left_out: npt.NDArray[np.bool_], *, seed: int) -> Dataset:
    """The same pictures, those left out for testing, and a tenth of the others for validation."""
    rows, examples = np.array(dataset.split.rows("train")), dataset.examples("train")
    labels, groups = torch.from_numpy(examples.labels), torch.from_numpy(examples.groups)
    inner = folds(labels[~left_out], groups[~left_out], seed=seed, count=JUDGED)
    split = np.full(len(rows), SPLITS.index("test"))
    split[~left_out] = np.where(inner == 0, SPLITS.index("val"), SPLITS.index("train"))
    return dataset.with_splits({int(r): SPLITS[s] for r, s in zip(rows, split, strict=True)})


def _logits_of_fold(
    part: Job,
    checkpoints: Path,
    *,
    begin: Callable[[Job], Loop],
    stop: Callable[[], bool],
    title: str,
) -> dict[str, torch.Tensor] | None:
    """Logits for a fold's validation and left-out pictures; None where it was stopped before.

    They are kept beside the checkpoints, which are removed once the fold is finished.
    """
    kept, callback = checkpoints.with_suffix(".safetensors"), part.callback
    if not kept.exists():
        if stop():
            return None
        callback.say(title)
        loop = begin(part)
        if checkpoints.exists():
            loop.restore(checkpoints, callback.warn)
        if not loop.run(checkpoints, [callback], stop=stop):
            return None
        loop.module.load_state_dict(loop.best)
        logits = {
            name: predict_examples(
                loop.module, part.dataset.examples(name), execution=loop.execution
            )
            for name in ("val", "test")
        }
        write_whole(kept, save(logits))
        shutil.rmtree(checkpoints, ignore_errors=True)
    return load(kept.read_bytes())


def _answered(
    indices: npt.NDArray[np.int64],
    logits_MK: torch.Tensor,
    *,
    chosen_by: tuple[torch.Tensor, torch.Tensor],
    learnt_K: torch.Tensor,
    options: AnswerOptions,
    classes: tuple[str, ...],
) -> OutOfFold:
    """Calibrated, and answered by a rule, both of which logits and labels of others decide."""
    others_NK, labels_N = chosen_by
    temperature = fit_temperature(others_NK, labels_N)
    rule = make_rule(
        options,
        classes,
        true_N=labels_N.numpy(),
        probabilities_NK=torch.softmax(others_NK / temperature, 1).numpy(),
        learnt_K=learnt_K.numpy(),
    )
    p = torch.softmax(logits_MK / temperature, 1).numpy()
    return OutOfFold(indices, logits_MK, probabilities=p, predicted=rule.predict(p))
