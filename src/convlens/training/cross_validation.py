"""Nested cross-validation, for few pictures.

Each picture is answered by a head, or a network, that learnt from other folds, with its C,
temperature and rule chosen within those: so all pictures give figures, and the detector may learn
from all.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load, save

from ..dataset.prepare import Dataset
from ..engine.loop import Loop
from ..engine.measurement import predict_examples
from ..errors import ConvlensError
from ..files import write_whole
from ..pictures.catalog import SPLITS
from ..tasks.answers import Prediction
from ..tasks.learning import Objective
from ..transfer.backbones import choose_backbone
from ..transfer.head import folds
from ..transfer.linear_probe import LinearProbe
from .job import JUDGED, Job, timed


@dataclass(frozen=True)
class OutOfFold:
    """What pictures were answered by that which did not learn from them.

    Their indices [M] among the training pictures, logits [M, K] as they came, and the answers.
    Where somebody `stopped` it, there are folds that were not reached.
    """

    indices: npt.NDArray[np.int64]
    logits: torch.Tensor
    answers: tuple[Prediction, ...]
    stopped: bool = False

    @staticmethod
    def of(parts: "list[OutOfFold]", outputs: int, *, stopped: bool = False) -> "OutOfFold":
        """Several folds together, in the order of the pictures."""
        parts = [OutOfFold(np.zeros(0, np.int64), torch.zeros(0, outputs), answers=()), *parts]
        indices = np.concatenate([part.indices for part in parts])
        order = np.argsort(indices)
        answers = [answer for part in parts for answer in part.answers]
        return OutOfFold(
            indices[order],
            torch.cat([part.logits for part in parts])[torch.from_numpy(order)],
            answers=tuple(answers[k] for k in order.tolist()),
            stopped=stopped,
        )


@timed("fitting", "fitting heads for each fold")
def cross_validate_probes(job: Job, probes: Sequence[LinearProbe]) -> OutOfFold:
    """The answers to the training pictures of heads on fixed features, each from other folds.

    Where there are probes of several backbones, those folds choose among them too.
    """
    parts, objective = [], probes[0].objective
    for k in probes[0].folds:
        probe = probes[choose_backbone(probes, job.options.network.prefer, without=k)]
        pictures, left_out, C = probe.pictures, probe.fold == k, probe.best_c(without=k)
        head = probe.head_without(k, C=C)
        parts.append(
            _answered(
                job,
                np.where(left_out.numpy())[0],
                logits_MK=head.logits(pictures.pooled(left_out)),
                calibrate_on=(probe.logits(C, without=k), probe.labels(without=k)),
                learnt_N=pictures.labels[~left_out],
                objective=objective,
            )
        )
    return OutOfFold.of(parts, objective.outputs)


@timed("training")
def cross_validate_training(
    job: Job,
    count: int,
    *,
    begin: Callable[[Job, int], Loop],
    folder: Path,
    stop: Callable[[], bool],
) -> OutOfFold:
    """The same of networks trained from random parameters.

    `begin` makes the loop for a fold, of the pictures without it and its number, from 1.

    A tenth of what a fold's network may see are its validation pictures. Finished folds, and
    checkpoints of the one under way, are kept in `folder`, so that a stopped run goes on; folds
    that were not reached, or came to nothing, are missing from the answers.
    """
    whole = job.dataset.examples("train")
    labels, groups = torch.from_numpy(whole.labels), torch.from_numpy(whole.groups)
    fold = folds(labels, groups, seed=job.options.data.seed, count=count)
    objective = job.objective(pretrained=False)
    parts, stopped = [], False
    for number, k in enumerate(sorted(set(fold.tolist())), 1):
        left_out = (fold == k).numpy()
        part = job.on(_without_fold(job.dataset, left_out, seed=job.options.data.seed))
        title = f"fold {number} of {int(fold.max()) + 1}"
        try:
            logits = _logits_of_fold(
                part, folder / f"{k}", begin=partial(begin, part, number), stop=stop, title=title
            )
        except ConvlensError as error:  # the detector of all pictures is trained by now
            job.callback.warn(f"{title} gives no figures: {error}")
            continue
        stopped = logits is None
        if logits is None:
            break
        val = torch.from_numpy(part.dataset.examples("val").labels)
        parts.append(
            _answered(
                job,
                np.where(left_out)[0],
                logits_MK=logits["test"],
                calibrate_on=(logits["val"], val),
                learnt_N=torch.from_numpy(part.dataset.examples("train").labels),
                objective=objective,
            )
        )
    return OutOfFold.of(parts, whole.classes, stopped=stopped)


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
    begin: Callable[[], Loop],
    stop: Callable[[], bool],
    title: str,
) -> dict[str, torch.Tensor] | None:
    """Logits for a fold's validation and left-out pictures; None where it was stopped before.

    They are kept beside the checkpoints, which are removed once the fold is finished.
    """
    file, callback = checkpoints.with_suffix(".safetensors"), part.callback
    if not file.exists():
        if stop():
            return None
        callback.say(title)
        loop = begin()
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
        write_whole(file, save(logits))
        shutil.rmtree(checkpoints, ignore_errors=True)
    return load(file.read_bytes())


def _answered(
    job: Job,
    indices: npt.NDArray[np.int64],
    *,
    logits_MK: torch.Tensor,
    calibrate_on: tuple[torch.Tensor, torch.Tensor],
    learnt_N: torch.Tensor,
    objective: Objective,
) -> OutOfFold:
    """Calibrated, and answered by a rule, both of which logits and labels of others decide."""
    others_NK, labels_N = calibrate_on
    temperature = objective.temperature(others_NK, labels_N)
    classes, names = job.dataset.classes, job.dataset.subset("train").names
    rule = job.learning.fit_rule(
        job.options.answer,
        classes,
        labels_N=labels_N.numpy(),
        probabilities_NK=objective.probabilities(others_NK / temperature).numpy(),
        learnt_N=learnt_N.numpy(),
    )
    p = objective.probabilities(logits_MK / temperature).numpy()
    answers = tuple(
        job.task.predict(names[index], [p[k]], classes=classes, rule=rule)
        for k, index in enumerate(indices.tolist())
    )
    return OutOfFold(indices, logits_MK, answers=answers)
