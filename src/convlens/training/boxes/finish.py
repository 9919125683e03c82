"""From a trained network to a proven detector and its figures."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from ..._version import __version__
from ...detector.detector import Detector
from ...export.metadata import with_metadata
from ...tasks.boxes.evaluation import BoxEvaluation, evaluate
from ...tasks.boxes.matching import Answers, Truth
from ...tasks.boxes.prediction import BoxPrediction, predict
from ...tasks.boxes.rule import BoxRule
from ...tasks.boxes.truth import truths_of
from .calibration import Calibration, fit_calibration, fit_rule
from .dataset import BoxDataset
from .export import BoxGraph
from .job import BoxJob, BoxPlan, wanted_shares
from .network import BoxNetwork
from .proof import BoxParity, prove

ROOM, LEAST, MOST = 2, 100, 1000
"""Answers for a picture: so many times what training pictures have, and bounds."""


@dataclass(frozen=True)
class BoxResults:
    """All that came of a training. `evaluation` is None where nothing was held out."""

    file: bytes
    parity: BoxParity
    _: KW_ONLY
    calibration: Calibration
    rule: BoxRule
    evaluation: BoxEvaluation | None
    parameters: Mapping[str, Tensor]


def finish(job: BoxJob, plan: BoxPlan, *, network: BoxNetwork, steps: int) -> BoxResults:
    """Export, calibrate, choose thresholds, prove and judge. Raises `ConvlensError`."""
    dataset, progress = job.dataset, job.callback.progress
    with job.stopwatch.part("exporting"):
        progress("exporting the detector file", 0, 1)
        graph = graph_of(network, plan, dataset)
        plain = graph.file(Calibration(), {})
    judged = "test" if dataset.split.rows("test") else "val"
    chosen = "val" if dataset.split.rows("val") else judged
    with job.stopwatch.part("judging"):
        answers = answers_to(job, Detector(plain), name=chosen)
    calibration = fit_calibration(answers)
    rule = _rule(job, calibrated(answers, calibration))
    with job.stopwatch.part("exporting"):
        file = graph.file(calibration, _metadata(job, plan, rule=rule, steps=steps))
    detector = Detector(file)
    shown = dataset.subset(judged if dataset.split.rows(judged) else "train")
    with job.stopwatch.part("proving"):
        parity = prove(
            network,
            detector,
            canvas=plan.canvas,
            calibration=calibration,
            overlap=plan.overlap,
            most=graph.most,
            sources=shown.sources,
            seed=job.options.data.seed,
            progress=progress,
        )
    evaluation = None
    with job.stopwatch.part("judging"):
        answers = answers_to(job, detector, name=judged)
        if answers:
            if judged == chosen:
                answers = _crosswise(job, answers, split=judged)
            evaluation = evaluate(answers, dataset.subset(judged).sources, skipped=dataset.skipped)
    if evaluation is not None:
        metrics = evaluation.metrics.as_json()
        file = with_metadata(file, {"metrics": {k: metrics[k] for k in ("n", "AP", "AP50")}})
    return BoxResults(
        file,
        parity,
        calibration=calibration,
        rule=rule,
        evaluation=evaluation,
        parameters=network.state_dict(),
    )


def _metadata(job: BoxJob, plan: BoxPlan, *, rule: BoxRule, steps: int) -> dict[str, Any]:
    dataset = job.dataset
    return {
        "network": plan.line,
        "seed": str(job.options.data.seed),
        "steps": str(steps),
        "convlens": __version__,
        "data": {"fingerprint": dataset.fingerprint(), "pictures": dataset.counts()},
        "rule": rule.as_json(),
    }


def graph_of(network: BoxNetwork, plan: BoxPlan, dataset: BoxDataset) -> BoxGraph:
    """The network as a graph, with room for more answers than any picture has objects."""
    return BoxGraph(
        network,
        plan.canvas,
        labels=dataset.classes,
        most=min(MOST, max(LEAST, ROOM * dataset.most_objects)),
        overlap=plan.overlap,
    )


def answers_to(job: BoxJob, detector: Detector, *, name: str) -> Answers:
    """What a detector says of a split's pictures, beside what is there."""
    catalog = job.dataset.subset(name)
    answers: list[tuple[Truth, BoxPrediction]] = []
    predictions = detector.predict_many(catalog.sources)
    for truth, prediction in zip(truths_of(catalog), predictions, strict=True):
        assert isinstance(prediction, BoxPrediction)  # noqa: S101
        answers.append((truth, prediction))
        job.callback.progress("judging pictures", len(answers), len(catalog))
    return answers


def calibrated(answers: Answers, calibration: Calibration) -> Answers:
    """The same answers with calibrated scores."""
    return [
        (truth, replace(prediction, scores=calibration(prediction.scores).astype(np.float32)))
        for truth, prediction in answers
        if prediction.scores is not None
    ]


def _rule(job: BoxJob, answers: Answers) -> BoxRule:
    classes, options = job.dataset.classes, job.options.answer
    return fit_rule(
        answers,
        classes,
        recall=wanted_shares(options.recall, "recall", classes=classes),
        precision=wanted_shares(options.precision, "precision", classes=classes),
    )


def _crosswise(job: BoxJob, answers: Answers, *, split: str) -> Answers:
    """Each half's answers by thresholds that the other half chose; groups stay in one half."""
    dataset: BoxDataset = job.dataset
    groups = [dataset.split.groups[row] for row in dataset.split.rows(split)]
    order = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    halves = [order[group] % 2 for group in groups]
    if len(order) < 2:
        return answers
    rules = [
        _rule(job, [a for a, half in zip(answers, halves, strict=True) if half != own])
        for own in (0, 1)
    ]
    judged: list[tuple[Truth, BoxPrediction]] = []
    for (truth, answer), half in zip(answers, halves, strict=True):
        if answer.boxes is None or answer.scores is None or answer.classes is None:
            judged.append((truth, answer))
            continue
        outputs = [answer.boxes, answer.scores, answer.classes, len(answer.scores)]
        again = predict(answer.name, outputs, classes=answer.labels, rule=rules[half])  # type: ignore[arg-type]
        judged.append((truth, again))
    return judged
