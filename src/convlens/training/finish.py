"""What becomes of a fitted network: calibrated, exported, proven, evaluated."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._version import __version__
from ..detector.detector import Detector
from ..detector.evaluate import evaluate_catalog
from ..export.export import export
from ..export.metadata import with_metadata
from ..export.parity import Parity, check_parity, seconds_within
from ..tasks.answers import Evaluation, Prediction
from ..tasks.learning import Objective
from ..transfer.ood import strangeness_of
from ..transfer.pretrained import Pretrained
from .cross_validation import OutOfFold
from .fit import Fitted
from .job import Job, timed
from .model import Model


@dataclass(frozen=True)
class Calibration:
    """The temperature that logits are divided by, and the rule for answers.

    Both are fitted on the pictures that `judged` are labels [N] and probabilities [N, K] of.
    `validation` are the metrics on the validation pictures of the network as it was fitted.
    """

    temperature: float
    rule: Any
    judged: tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
    validation: dict[str, Any] | None = None


@timed("fitting")
def calibrate(job: Job, model: Model, *, fitted: Fitted) -> Calibration:
    """Fit temperature and rule on pictures that the network did not learn from.

    Where pretrained features stayed as they were, those are the probe's own folds; else the
    validation pictures; else, where every picture was left out once, all of them.
    """
    out_of_fold, val = fitted.out_of_fold, job.dataset.examples("val")
    objective = fitted.objective
    val_labels = torch.from_numpy(val.labels)
    validation = None
    if len(val):
        own = _calibration(job, fitted.val_logits, labels_N=val_labels, objective=objective)
        p = objective.probabilities(fitted.val_logits / own.temperature).numpy()
        validation = job.learning.metrics(
            job.dataset.classes, val.labels, probabilities_NK=p, rule=own.rule
        )
    if fitted.as_begun and model.probe is not None:
        probe = model.probe
        logits, labels = probe.logits(probe.best_c()), probe.labels()
    elif out_of_fold is not None and not len(val):
        labels = torch.from_numpy(job.dataset.examples("train").labels[out_of_fold.indices])
        logits = out_of_fold.logits
    else:
        logits, labels = fitted.val_logits, val_labels
    calibration = _calibration(job, logits, labels_N=labels, objective=objective)
    return replace(calibration, validation=validation)


def _calibration(
    job: Job, logits_NK: Tensor, *, labels_N: Tensor, objective: Objective
) -> Calibration:
    temperature = 1.0
    if len(labels_N):  # as float32 holds it, in which the file divides
        temperature = torch.tensor(objective.temperature(logits_NK, labels_N)).item()
    judged = labels_N.numpy(), objective.probabilities(logits_NK / temperature).numpy()
    rule = job.learning.fit_rule(
        job.options.answer,
        job.dataset.classes,
        labels_N=judged[0],
        probabilities_NK=judged[1],
        learnt_N=job.dataset.examples("train").labels,
    )
    return Calibration(temperature, rule, judged)


@dataclass(frozen=True)
class Exported:
    """The detector file's bytes, and the proof that it answers as the network does.

    `multiplications` are the file's for one picture, its mirror image included where it counts, and
    `known` its answers to test pictures, by row, that the proof has looked at already.
    """

    file: bytes
    parity: Parity
    _: KW_ONLY
    multiplications: int
    known: Mapping[int, Prediction]


@timed("exporting", "exporting the detector file")
def export_detector(
    job: Job, model: Model, *, fitted: Fitted, calibration: Calibration
) -> Exported:
    """The detector file, proven on held-out pictures. Raises `ConvlensError` where it differs."""
    dataset, seed, module = job.dataset, job.options.data.seed, fitted.module
    progress = job.callback.progress
    unlike = None
    if isinstance(module, Pretrained):
        known = model.probe.learnt if fitted.as_begun and model.probe is not None else None
        with job.stopwatch.part("fitting" if known else "features"):
            unlike = strangeness_of(
                module,
                dataset.examples("train"),
                known=known,
                beside=fitted.beside,
                seed=seed,
                progress=progress,
            )
    module.temperature.fill_(calibration.temperature)
    metadata = {
        "network": model.architecture.text,
        "seed": str(seed),
        "steps": str(fitted.progress.step),
        "convlens": __version__,
        "data": {"fingerprint": dataset.fingerprint(), "pictures": dataset.counts()},
        "rule": calibration.rule.as_json(),
    }
    file = export(
        module,
        dataset.store.size,
        labels=dataset.classes,
        metadata=metadata,
        objective=fitted.objective,
        strangeness=unlike,
    )
    held_out = dataset.split.held_out
    detector = Detector(file)
    with job.stopwatch.part("proving"):
        parity, answers = check_parity(
            module,
            detector,
            catalog=dataset.subset(held_out),
            stored=dataset.examples(held_out),
            objective=fitted.objective,
            seed=seed,
            progress=progress,
            seconds=seconds_within(job.options.budget.minutes),
        )
    return Exported(
        file,
        parity,
        multiplications=int(detector.metadata["multiplications"]),
        known=answers if held_out == "test" else {},
    )


@timed("judging")
def evaluate_held_out(
    job: Job, exported: Exported, *, out_of_fold: OutOfFold | None
) -> "Evaluation | None":
    """The file's answers to the test pictures, or each picture's answer from outside of its fold.

    None where nothing was held out.
    """
    if out_of_fold is not None:
        if not len(out_of_fold.indices):
            return None
        catalog = job.dataset.subset("train").take(out_of_fold.indices.tolist())
        answers = list(zip(catalog.labels, out_of_fold.answers, strict=True))
        return job.task.evaluate(answers, catalog.sources, skipped=job.dataset.skipped)
    test = job.dataset.subset("test")
    if not len(test):
        return None
    return evaluate_catalog(
        Detector(exported.file), test, progress=job.callback.progress, known=exported.known
    )


@dataclass(frozen=True)
class Results:
    """All that came of a training."""

    fitted: Fitted
    calibration: Calibration
    _: KW_ONLY
    exported: Exported
    evaluation: "Evaluation | None"

    def file(self) -> bytes:
        """The detector file with the figures on held-out pictures in its metadata."""
        brief: dict[str, Any] = {}
        if self.evaluation is not None:
            metrics = self.evaluation.metrics.as_json()
            brief = {key: metrics[key] for key in ("n", "accuracy", "accuracy_interval")}
        return with_metadata(self.exported.file, {"metrics": brief})


def finish(job: Job, model: Model, *, fitted: Fitted) -> Results:
    """From a fitted network to a proven detector and its figures. Raises `ConvlensError`."""
    calibration = calibrate(job, model, fitted=fitted)
    exported = export_detector(job, model, fitted=fitted, calibration=calibration)
    evaluation = evaluate_held_out(job, exported, out_of_fold=fitted.out_of_fold)
    return Results(fitted, calibration, exported=exported, evaluation=evaluation)
