"""What `metrics.json` holds: all that came of a run, as plain data."""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..dataset.notes import notes_about
from ..tasks.answers import Evaluation
from ..transfer.linear_probe import LinearProbe
from .finish import Results
from .fit import Fitted
from .job import Job, timed
from .model import Model
from .plan import RunPlan


@timed("judging")
def summarize(
    job: Job,
    model: Model,
    *,
    plan: RunPlan,
    results: Results,
    frozen: Results | None = None,
    probe: LinearProbe | None = None,
    tuned: Fitted | None = None,
) -> dict[str, Any]:
    """All that `metrics.json` holds.

    Of pretrained features, `frozen` is what came of them as they are, by `probe`, and `tuned` of
    fine-tuning, where it was tried.
    """
    dataset, fitted = job.dataset, results.fitted
    calibration, evaluation = results.calibration, results.evaluation
    table, progress = model.architecture.describe(), (tuned or fitted).progress
    in_training = job.options.loss.class_weights == "balanced"
    balanced = in_training or job.learning.balanced(calibration.rule)
    return {
        "test": evaluation.metrics.as_json() if evaluation else None,
        "folds": plan.folds if fitted.out_of_fold is not None else 1,
        "validation": calibration.validation,
        "parity": vars(results.exported.parity),
        "tried": _tried(job, probe, results=results, frozen=frozen, tuned=tuned),
        "temperature": calibration.temperature,
        "rule": calibration.rule.as_json(),
        **job.learning.further_metrics(
            evaluation,
            uncalibrated_NK=_uncalibrated(results),
            rule=calibration.rule,
            judged=calibration.judged,
        ),
        "training": {
            "steps": progress.step,
            "steps_planned": plan.steps.steps if plan.steps else 0,
            "best_step": fitted.progress.best_step,
            "seconds": round(progress.seconds, 3),
            "parameters": table["parameters"],
            "multiplications": results.exported.multiplications,
        },
        "pictures": dataset.counts(),
        "skipped": [{"name": name, "reason": reason} for name, reason in dataset.skipped],
        "notes": [asdict(note) for note in notes_about(dataset, balanced=balanced)],
    }


def _uncalibrated(results: Results) -> npt.NDArray[np.float32] | None:
    """Probabilities [N, K] of the held-out pictures without the temperature."""
    evaluation, out_of_fold = results.evaluation, results.fitted.out_of_fold
    if evaluation is None:
        return None
    if out_of_fold is not None:  # each fold has a temperature of its own
        logits = out_of_fold.logits.double()
    else:
        answered = [a.probabilities for _, a in evaluation.answers if a.probabilities is not None]
        p = torch.from_numpy(np.stack(answered)).double()
        logits = p.clamp(min=1e-12).log() * results.calibration.temperature
    probabilities = results.fitted.objective.probabilities(logits)
    uncalibrated: npt.NDArray[np.float32] = probabilities.float().numpy()
    return uncalibrated


def _tried(
    job: Job,
    probe: LinearProbe | None,
    *,
    results: Results,
    frozen: Results | None,
    tuned: Fitted | None,
) -> dict[str, Any] | None:
    """With pretrained weights: the features as they are, fine-tuning, and which of them won.

    `held_out` are accuracies of both on the same pictures, which neither learnt from.
    """
    if probe is None or frozen is None:
        return None
    first, *later = tuned.progress.history if tuned else [None]
    best = min(later, key=lambda m: m["cost_val"] or 0.0, default=None)
    brief = ("step", "cost_val", "accuracy_val")
    moments = {
        "frozen": {key: first[key] for key in brief} if first else None,
        "tuned": {key: best[key] for key in brief} if best else None,
    }
    if tuned is not None and tuned.compared is not None:  # the first alone is not what was chosen
        moments = dict(tuned.compared)
    return {
        "strengths": {f"{c:g}": loss for c, loss in probe.mean_losses().items()},
        "strength": probe.best_c(),
        "cost": probe.loss,
        "learnt_from": probe.count,
        "training": len(job.dataset.examples("train")),
        **moments,
        "fine-tuned": results is not frozen,
        "held_out": _compared(frozen.evaluation, results.evaluation)
        if results is not frozen
        else None,
    }


def _compared(frozen: "Evaluation | None", tuned: "Evaluation | None") -> dict[str, Any] | None:
    """Accuracies on the pictures that both answered."""
    if frozen is None or tuned is None:
        return None
    before = {answer.name: label == answer.predicted for label, answer in frozen.answers}
    pairs = [
        (before[answer.name], label == answer.predicted)
        for label, answer in tuned.answers
        if answer.name in before
    ]
    if not pairs:
        return None
    right = np.array(pairs).mean(0)
    return {"n": len(pairs), "frozen": float(right[0]), "tuned": float(right[1])}
