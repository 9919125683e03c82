"""What becomes of a fitted network: calibrated, exported, proven, evaluated."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._version import __version__
from ..dataset.notes import notes_about
from ..detector.detector import Detector
from ..detector.evaluate import evaluate_catalog
from ..engine.calibration import fit_temperature
from ..export.export import export, with_metadata
from ..export.parity import Parity, check_parity, seconds_within
from ..tasks.classification.evaluation import Evaluation, evaluate
from ..tasks.classification.fit_rule import make_rule
from ..tasks.classification.label_errors import find_label_errors
from ..tasks.classification.metrics import compute_metrics
from ..tasks.classification.prediction import Prediction
from ..tasks.classification.rule import BALANCE, Rule
from ..transfer.linear_probe import set_head
from ..transfer.ood import strangeness_of
from ..transfer.pretrained import Pretrained
from .cross_validation import OutOfFold
from .fit import Fitted
from .job import Job
from .model import Model
from .plan import RunPlan


@dataclass(frozen=True)
class Calibration:
    """The temperature that logits are divided by, and the rule for answers.

    `validation` are the metrics on the validation pictures of the network as it was fitted.
    """

    temperature: float
    rule: Rule
    _: KW_ONLY
    validation: dict[str, Any] | None


def calibrate(job: Job, model: Model, *, fitted: Fitted) -> Calibration:
    """Fit temperature and rule on pictures that the network did not learn from.

    Where pretrained features stayed as they were, those are the probe's own folds; else the
    validation pictures; else, where every picture was left out once, all of them.
    """
    dataset, out_of_fold = job.dataset, fitted.out_of_fold
    val = dataset.examples("val")
    validation = _validation(job, fitted) if len(val) else None
    if fitted.as_begun and model.probe is not None:
        logits, labels = model.probe.judged()
    elif out_of_fold is not None and not len(val):
        labels = torch.from_numpy(dataset.examples("train").labels[out_of_fold.indices])
        logits = out_of_fold.logits
    else:
        logits, labels = fitted.val_logits, torch.from_numpy(val.labels)
    temperature, rule = _calibration(job, logits, labels_N=labels)
    return Calibration(temperature, rule, validation=validation)


def _validation(job: Job, fitted: Fitted) -> dict[str, Any]:
    """Metrics on the validation pictures, calibrated by themselves."""
    labels_N = job.dataset.examples("val").labels
    temperature, rule = _calibration(job, fitted.val_logits, labels_N=torch.from_numpy(labels_N))
    p = torch.softmax(fitted.val_logits / temperature, 1).numpy()
    return compute_metrics(
        job.dataset.classes, labels_N, probabilities_NK=p, predicted_N=rule.predict(p)
    ).as_json()


def _calibration(job: Job, logits_NK: Tensor, *, labels_N: Tensor) -> tuple[float, Rule]:
    temperature = 1.0
    if len(labels_N):  # as float32 holds it, in which the file divides
        temperature = torch.tensor(fit_temperature(logits_NK, labels_N)).item()
    classes = job.dataset.classes
    rule = make_rule(
        job.options.answer,
        classes,
        true_N=labels_N.numpy(),
        probabilities_NK=torch.softmax(logits_NK / temperature, 1).numpy(),
        learnt_K=np.bincount(job.dataset.examples("train").labels, minlength=len(classes)),
    )
    return temperature, rule


@dataclass(frozen=True)
class Exported:
    """The detector file's bytes, and the proof that it answers as the network does."""

    file: bytes
    parity: Parity


def export_detector(
    job: Job, model: Model, *, fitted: Fitted, calibration: Calibration
) -> Exported:
    """The detector file, proven on held-out pictures. Raises `ConvlensError` where it differs.

    Where nothing beat the features as they are, their head learns from the validation pictures too:
    its C is chosen by then, so every picture may help.
    """
    dataset, seed, module = job.dataset, job.options.data.seed, fitted.module
    progress = job.callback.progress
    unlike = None
    if isinstance(module, Pretrained):
        features = None
        if fitted.as_begun and model.probe is not None:
            set_head(module, model.probe.head_of_all())
            features = model.probe.train
        unlike = strangeness_of(
            module, dataset.examples("train"), known=features, seed=seed, progress=progress
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
        strangeness=unlike,
        task=dataset.task,
    )
    held_out = next(name for name in ("val", "test", "train") if dataset.split.rows(name))
    parity = check_parity(
        module,
        Detector(file),
        catalog=dataset.subset(held_out),
        stored=dataset.examples(held_out),
        seed=seed,
        progress=progress,
        seconds=seconds_within(job.options.budget.minutes),
    )
    return Exported(file, parity)


def evaluate_held_out(
    job: Job, exported: Exported, *, out_of_fold: OutOfFold | None
) -> Evaluation | None:
    """The file's answers to the test pictures, or each picture's answer from outside of its fold.

    None where nothing was held out.
    """
    if out_of_fold is not None:
        return _out_of_fold(job, out_of_fold) if len(out_of_fold.indices) else None
    test = job.dataset.subset("test")
    if not len(test):
        return None
    return evaluate_catalog(Detector(exported.file), test, progress=job.callback.progress)


def _out_of_fold(job: Job, out_of_fold: OutOfFold) -> Evaluation:
    classes = job.dataset.classes
    catalog = job.dataset.subset("train").take(out_of_fold.indices.tolist())
    answers = [
        (label, Prediction(name, p, labels=classes, class_index=int(index) if index >= 0 else None))
        for label, name, p, index in zip(
            catalog.labels,
            catalog.names,
            out_of_fold.probabilities,
            out_of_fold.predicted,
            strict=True,
        )
    ]
    return evaluate(answers, catalog.sources, skipped=job.dataset.skipped)


@dataclass(frozen=True)
class Results:
    """All that came of a training."""

    fitted: Fitted
    calibration: Calibration
    _: KW_ONLY
    exported: Exported
    evaluation: Evaluation | None

    def file(self) -> bytes:
        """The detector file with the figures on held-out pictures in its metadata."""
        brief: dict[str, Any] = {}
        if self.evaluation is not None:
            metrics = self.evaluation.metrics.as_json()
            brief = {key: metrics[key] for key in ("n", "accuracy", "accuracy_interval")}
        return with_metadata(self.exported.file, {"metrics": brief})


def summarize(job: Job, model: Model, *, plan: RunPlan, results: Results) -> dict[str, Any]:
    """All that `metrics.json` holds, as plain data."""
    dataset, fitted = job.dataset, results.fitted
    calibration, evaluation = results.calibration, results.evaluation
    progress = fitted.progress
    table = model.architecture.describe()
    balanced = calibration.rule.objective == BALANCE
    return {
        "test": evaluation.metrics.as_json() if evaluation else None,
        "folds": plan.folds,
        "strange": _share_strange(evaluation),
        "validation": calibration.validation,
        "parity": vars(results.exported.parity),
        "tried": _tried(model, fitted),
        "temperature": calibration.temperature,
        "rule": calibration.rule.as_json(),
        "uncalibrated": _uncalibrated(results),
        "plain": _most_probable(evaluation) if balanced else None,
        "training": {
            "steps": progress.step,
            "steps_planned": plan.step_plan.steps,
            "best_step": progress.best_step,
            "seconds": round(progress.seconds, 3),
            "parameters": table["parameters"],
            "multiplications": table["multiplications"],
        },
        "pictures": dataset.counts(),
        "skipped": [{"name": name, "reason": reason} for name, reason in dataset.skipped],
        "notes": [asdict(note) for note in notes_about(dataset, balanced=balanced)],
        "label_errors": _label_errors(evaluation),
    }


def _share_strange(evaluation: Evaluation | None) -> float | None:
    """Share of the held-out pictures that are called strange; None where that cannot be told."""
    if evaluation is None:
        return None
    strange = [answer.strange for _, answer in evaluation.answers if answer.strangeness is not None]
    return sum(strange) / len(strange) if strange else None


def _uncalibrated(results: Results) -> dict[str, float] | None:
    """Loss and calibration error on the held-out pictures without the temperature."""
    evaluation, out_of_fold = results.evaluation, results.fitted.out_of_fold
    if evaluation is None:
        return None
    true_N, probabilities_NK = _held_out(evaluation)
    if out_of_fold is not None:  # each fold has a temperature of its own
        logits = out_of_fold.logits.double()
    else:
        p = torch.from_numpy(probabilities_NK).double()
        logits = p.clamp(min=1e-12).log() * results.calibration.temperature
    metrics = compute_metrics(
        evaluation.metrics.labels, true_N, probabilities_NK=logits.softmax(1).float().numpy()
    )
    return {"cost": metrics.cost, "ece": metrics.ece}


def _most_probable(evaluation: Evaluation | None) -> dict[str, Any] | None:
    """The metrics on held-out pictures if the most probable class were the answer."""
    if evaluation is None:
        return None
    true_N, probabilities_NK = _held_out(evaluation)
    return compute_metrics(
        evaluation.metrics.labels, true_N, probabilities_NK=probabilities_NK
    ).as_json()


def _label_errors(evaluation: Evaluation | None) -> list[str]:
    """Names of the held-out pictures whose label is probably wrong, the surest first."""
    if evaluation is None:
        return []
    return [
        evaluation.answers[index][1].name for index in find_label_errors(*_held_out(evaluation))
    ]


def _held_out(
    evaluation: Evaluation,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """True classes [N] and probabilities [N, K] of the held-out pictures."""
    labels = evaluation.metrics.labels
    true_N = np.array([labels.index(label) for label, _ in evaluation.answers], np.int64)
    probabilities = [answer.probabilities for _, answer in evaluation.answers]
    return true_N, np.stack([p for p in probabilities if p is not None])


def _tried(model: Model, fitted: Fitted) -> dict[str, Any] | None:
    """With pretrained weights: the features as they are, fine-tuning, and which of them won."""
    if model.probe is None:
        return None
    first, *later = fitted.progress.history
    best = min(later, key=lambda m: m["cost_val"] or 0.0, default=None)
    brief = ("step", "cost_val", "accuracy_val")
    return {
        "strengths": {f"{c:g}": loss for c, loss in model.probe.losses.items()},
        "strength": model.probe.C,
        "cost": model.probe.loss,
        "frozen": {key: first[key] for key in brief},
        "tuned": {key: best[key] for key in brief} if best else None,
        "fine-tuned": fitted.progress.best_step > 0,
    }
