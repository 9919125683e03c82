"""What a run leaves: the detector, its figures, every answer, the report."""

import csv
import importlib.metadata
import io
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save

from .._version import __version__
from ..dataset.batches import Batches
from ..dataset.notes import notes_about
from ..dataset.prepare import Dataset
from ..detector.detector import Detector
from ..detector.evaluate import evaluate_catalog
from ..drawing.thumbnails import contact_sheet
from ..engine.calibration import fit_temperature
from ..engine.loop import Loop
from ..engine.measurement import predict_examples
from ..errors import ConvlensError
from ..export.export import export, with_metadata
from ..export.parity import check_parity, seconds_within
from ..files import read_json, saying_where, write_whole
from ..options import AnswerOptions
from ..progress import Progress
from ..report.page import render_report
from ..tasks.classification.evaluation import Evaluation, evaluate
from ..tasks.classification.fit_rule import make_rule
from ..tasks.classification.label_errors import find_label_errors
from ..tasks.classification.metrics import compute_metrics
from ..tasks.classification.prediction import Prediction
from ..tasks.classification.rule import BALANCE, Rule
from ..tasks.task import task_named
from ..transfer.linear_probe import LinearProbe, set_head
from ..transfer.ood import strangeness_of
from ..transfer.pretrained import Pretrained
from .cross_validation import OutOfFold

PACKAGES = ("torch", "onnx", "onnxruntime", "numpy", "pillow", "safetensors")


def versions() -> dict[str, str]:
    """Versions of what decides about a run's numbers."""
    found = {"convlens": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        found[name] = importlib.metadata.version(name)
    return found


class Results:
    """Writes a run's files."""

    def __init__(
        self,
        folder: Path,
        dataset: Dataset,
        *,
        loop: Loop,
        start: LinearProbe | None,
        answer: AnswerOptions,
    ) -> None:
        self.folder = folder
        self.dataset = dataset
        self.loop = loop
        self.start = start
        self.answer = answer

    def begin(self, resumed: bool) -> None:
        """Open the list of events and keep a picture of a real training batch."""
        self.event("resume" if resumed else "begin", {"step": self.loop.progress.step})
        write_whole(self.folder / "preview.png", preview(self.loop.batches))

    def event(self, kind: str, values: dict[str, Any]) -> None:
        """Append one line to `events.jsonl`."""
        path = self.folder / "events.jsonl"
        with saying_where(path, "write"), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": kind, **values}) + "\n")


def _preview(folder: Path) -> bytes:
    with saying_where(folder / "preview.png", "read"):
        return (folder / "preview.png").read_bytes()


def preview(batches: Batches, most: int = 24) -> bytes:
    """The first pictures of the first training batch, as the network sees them: a PNG."""
    _, micro_batches = batches.micro_batches(0, batches.examples.pixels.shape[1])
    pixels = micro_batches[0][0][:most]
    shown = (pixels.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    return contact_sheet(list(shown))


def finish(
    results: Results, out_of_fold: OutOfFold | None, *, progress: Progress
) -> tuple[dict[str, Any], Evaluation | None]:
    """Export, prove, judge on the held-out pictures, and write everything.

    Where every picture was left out once, `out_of_fold` are the answers then, and judged
    instead.
    """
    loop, dataset, folder = results.loop, results.dataset, results.folder
    loop.module.load_state_dict(loop.best)
    size = dataset.store.size
    record = read_json(folder / "run.json")
    details = {
        "network": record["network"]["network"],
        "seed": str(loop.seed),
        "steps": str(loop.progress.step),
        "convlens": __version__,
        "data": {"fingerprint": dataset.fingerprint(), "pictures": dataset.counts()},
    }
    # in the precision of training, before the copy below
    validation, rule = _judge_validation(results, out_of_fold)
    tried = _tried(results)
    module = loop.module.cpu()
    if results.start and isinstance(module, Pretrained) and loop.progress.best_step == 0:
        # nothing beat the features as they are: the strength is chosen, so every picture may help
        set_head(module, results.start.head_of_all())
        rule = _calibrate(results, *results.start.judged())
    loop.best = {name: value.clone() for name, value in module.state_dict().items()}
    stranger = None
    if isinstance(module, Pretrained):
        as_begun = loop.progress.best_step == 0
        known = results.start.train if results.start is not None and as_begun else None
        learnt = dataset.examples("train")
        stranger = strangeness_of(module, learnt, known=known, seed=loop.seed, progress=progress)
    details = {**details, "rule": rule.as_json()}
    plain = export(
        loop.module,
        size,
        labels=dataset.classes,
        metadata=details,
        strangeness=stranger,
        task=dataset.task,
    )
    detector = Detector(plain)
    held = next(name for name in ("val", "test", "train") if dataset.split.rows(name))
    parity = check_parity(
        loop.module,
        detector,
        catalog=dataset.subset(held),
        stored=dataset.examples(held),
        seed=loop.seed,
        progress=progress,
        seconds=seconds_within(record["options"]["minutes"]),
    )
    evaluation = None
    test = dataset.subset("test")
    if out_of_fold is not None:
        evaluation = _crossed(results, out_of_fold)
    elif len(test):
        evaluation = evaluate_catalog(detector, test, progress=progress)
    test_metrics = evaluation.metrics.as_json() if evaluation else None
    keys = ("n", "accuracy", "accuracy_interval")
    brief = {key: test_metrics[key] for key in keys} if test_metrics else {}
    data = with_metadata(plain, {"metrics": brief})
    metrics = {
        "test": test_metrics,
        "folds": record["chosen"]["folds"],
        "strange": _strange(evaluation),
        "validation": validation,
        "parity": vars(parity),
        "tried": tried,
        "temperature": module.temperature.item(),
        "rule": rule.as_json(),
        "uncalibrated": _uncalibrated(
            evaluation, out_of_fold, temperature=module.temperature.item()
        ),
        "plain": _plain(evaluation) if rule.objective == BALANCE else None,
        "training": {
            "steps": loop.progress.step,
            "steps_planned": loop.plan.steps,
            "best_step": loop.progress.best_step,
            "seconds": round(loop.progress.seconds, 3),
            "parameters": record["network"]["parameters"],
            "multiplications": record["network"]["multiplications"],
        },
        "pictures": dataset.counts(),
        "skipped": [{"name": name, "reason": reason} for name, reason in dataset.skipped],
        "notes": [asdict(note) for note in notes_about(dataset, rule.objective == BALANCE)],
        "label_errors": _doubtful(evaluation),
    }
    write_whole(folder / "parameters.safetensors", save(_contiguous(loop.best)))
    write_whole(folder / "detector.onnx", data)
    write_whole(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    if evaluation is not None:
        write_whole(folder / "predictions.csv", _predictions(evaluation))
    page = render_report(
        record,
        metrics,
        history=loop.progress.history,
        report=task_named(dataset.task).report(metrics, evaluation),
        preview=_preview(folder),
    )
    write_whole(folder / "report.html", page)
    results.event("end", {"step": loop.progress.step, "accuracy": brief.get("accuracy")})
    return metrics, evaluation


def _crossed(results: Results, out_of_fold: OutOfFold) -> Evaluation | None:
    """Every picture's answer from that which did not learn from it; None where there is none."""
    if not len(out_of_fold.places):
        return None
    dataset, classes = results.dataset, results.dataset.classes
    side = dataset.subset("train").take(out_of_fold.places.tolist())
    answers = [
        (label, Prediction(name, p, labels=classes, class_index=int(k) if k >= 0 else None))
        for label, name, p, k in zip(
            side.labels, side.names, out_of_fold.probabilities, out_of_fold.predicted, strict=True
        )
    ]
    return evaluate(answers, side.sources, skipped=dataset.skipped)


def _strange(evaluation: Evaluation | None) -> float | None:
    """Share of the held-out pictures that are called strange; None where that cannot be told."""
    if evaluation is None:
        return None
    told = [answer.strange for _, answer in evaluation.answers if answer.strangeness is not None]
    return sum(told) / len(told) if told else None


def _uncalibrated(
    evaluation: Evaluation | None, out_of_fold: OutOfFold | None, *, temperature: float
) -> dict[str, float] | None:
    """Cost and calibration error on the held-out pictures without the temperature."""
    if evaluation is None:
        return None
    true, probabilities = _held(evaluation)
    if out_of_fold is not None:  # each fold has a temperature of its own
        logits = out_of_fold.logits.double()
    else:
        logits = torch.from_numpy(probabilities).double().clamp(min=1e-12).log() * temperature
    uncalibrated = compute_metrics(
        evaluation.metrics.labels, true, probabilities_NK=logits.softmax(1).float().numpy()
    )
    return {"cost": uncalibrated.cost, "ece": uncalibrated.ece}


def _plain(evaluation: Evaluation | None) -> dict[str, Any] | None:
    """The figures on held-out pictures if the most probable class were the answer."""
    if evaluation is None:
        return None
    true, probabilities = _held(evaluation)
    return compute_metrics(
        evaluation.metrics.labels, true, probabilities_NK=probabilities
    ).as_json()


def _doubtful(evaluation: Evaluation | None) -> list[str]:
    """Names of the held-out pictures whose label is probably wrong, the surest first."""
    if evaluation is None:
        return []
    return [evaluation.answers[place][1].name for place in find_label_errors(*_held(evaluation))]


def _held(evaluation: Evaluation) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """True classes [N] and probabilities [N, K] of the held-out pictures."""
    labels = evaluation.metrics.labels
    true = np.array([labels.index(label) for label, _ in evaluation.answers], np.int64)
    found = [answer.probabilities for _, answer in evaluation.answers]
    return true, np.stack([p for p in found if p is not None])


def _tried(results: Results) -> dict[str, Any] | None:
    """With pretrained weights: the features as they are, fine-tuning, and which of them won."""
    if results.start is None:
        return None
    progress = results.loop.progress
    first, later = progress.history[0], progress.history[1:]
    best = min(later, key=lambda m: m["cost_val"] or 0.0, default=None)
    brief = ("step", "cost_val", "accuracy_val")
    return {
        "strengths": {f"{c:g}": cost for c, cost in results.start.costs.items()},
        "strength": results.start.C,
        "cost": results.start.cost,
        "frozen": {key: first[key] for key in brief},
        "tuned": {key: best[key] for key in brief} if best else None,
        "fine-tuned": progress.best_step > 0,
    }


def _contiguous(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.contiguous() for name, value in tensors.items()}


def _judge_validation(
    results: Results, out_of_fold: OutOfFold | None
) -> tuple[dict[str, Any] | None, Rule]:
    """Calibrate the network on the validation pictures: its figures there, the rule for answers.

    Where every picture was left out once, all serve, as they were answered then.
    """
    examples = results.dataset.examples("val")
    classes = results.dataset.classes
    if not len(examples):
        if out_of_fold is not None:
            labels = results.dataset.examples("train").labels[out_of_fold.places]
            return None, _calibrate(results, out_of_fold.logits, torch.from_numpy(labels))
        nothing = np.zeros((0, len(classes)), np.float32)
        return None, make_rule(
            results.answer,
            classes,
            true_N=examples.labels,
            probabilities_NK=nothing,
            learnt_K=_learnt(results),
        )
    module = results.loop.module
    logits = predict_examples(module, examples, execution=results.loop.execution)
    if not torch.isfinite(logits).all():
        raise ConvlensError(
            "training ended in numbers that are not finite: try a lower --learning-rate"
        )
    rule = _calibrate(results, logits, examples.targets(np.arange(len(examples))))
    probabilities = torch.softmax(logits / module.temperature.item(), 1).numpy()
    return compute_metrics(
        classes,
        examples.labels,
        probabilities_NK=probabilities,
        predicted_N=rule.predict(probabilities),
    ).as_json(), rule


def _calibrate(results: Results, logits_NK: torch.Tensor, labels_N: torch.Tensor) -> Rule:
    """Fit the temperature, and after it the rule, on pictures that the network did not learn."""
    temperature = results.loop.module.temperature
    temperature.fill_(fit_temperature(logits_NK, labels_N))
    probabilities = torch.softmax(logits_NK / temperature.item(), 1).numpy()
    classes = results.dataset.classes
    return make_rule(
        results.answer,
        classes,
        true_N=labels_N.numpy(),
        probabilities_NK=probabilities,
        learnt_K=_learnt(results),
    )


def _learnt(results: Results) -> npt.NDArray[np.int64]:
    """Training pictures per class [K]."""
    classes = results.dataset.classes
    return np.bincount(results.dataset.examples("train").labels, minlength=len(classes))


def _predictions(evaluation: Evaluation) -> str:
    """Every held-out picture, its label, the answer, and all probabilities to the last digit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    labels = evaluation.metrics.labels
    writer.writerow(["name", "label", "predicted", *(f"p:{label}" for label in labels)])
    for label, prediction in evaluation.answers:
        assert prediction.probabilities is not None  # noqa: S101
        values = [repr(float(np.float32(p))) for p in prediction.probabilities]
        writer.writerow([prediction.name, label, prediction.predicted, *values])
    return text.getvalue()
