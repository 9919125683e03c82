"""`convlens train`: from pictures to a run folder with a detector in it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import torch

from ..dataset.augment import DEFAULT, parse_augmentations
from ..dataset.notes import notes_about
from ..dataset.prepare import Dataset, prepare
from ..engine.callbacks import Callback, NullCallback
from ..engine.compute.execution import Execution, keep_memory
from ..engine.distributed import Workers, init_distributed
from ..engine.interrupt import stop_on_interrupt
from ..errors import ConvlensError, UsageError
from ..network.spec import PREFIX, network
from ..options import EXECUTION_CONFIGS, TrainKeywords, TrainOptions, options_from
from ..tasks.task import Evaluation
from ..transfer.pretrained import NetworkChoice, choose_network
from .budget import fit_to_budget
from .cross_validation import (
    OutOfFold,
    choose_folds,
    cross_validate_probe,
    cross_validate_training,
)
from .finish import Results, calibrate, evaluate_held_out, export_detector, summarize
from .fit import Fitted, begin_anew, fit
from .job import Job
from .model import Model, build_model, learning_from
from .plan import RunPlan, make_plan
from .run_folder import EventLog, Record, RunFolder, new_folder


@dataclass(frozen=True)
class Run:
    """A finished run: its folder and what its detector did on the held-out pictures."""

    folder: Path
    metrics: dict[str, Any]
    evaluation: "Evaluation | None"
    finished: bool

    @property
    def detector(self) -> Path:
        """The detector file."""
        return self.folder / "detector.onnx"


def train(
    pictures: str | Path,
    out: str | Path | None = None,
    *,
    callback: Callback | None = None,
    **options: Unpack[TrainKeywords],
) -> Run:
    """Train a detector from labelled pictures; `options` are those of `TrainOptions`, by name.

    `pictures` is a folder with one folder per class, such folders under `train`, `val`, `test`, or
    a CSV or Parquet table, or shards, here or at an address (see `read_catalog`). `out` is the run
    folder to make (`runs/NAME` by default). Ctrl-C ends soundly, with the detector that there is.
    Processes that `torchrun` started share the work; the figures are then with the first one.
    Raises `ConvlensError`.
    """
    typed = options_from(options)
    choice = choose_network(typed.network)
    _check(typed, choice)
    with init_distributed() as workers:
        path = workers.broadcast(lambda: str(new_folder(pictures, out)))
        return _train(
            pictures,
            typed,
            choice=choice,
            folder=RunFolder(Path(path)),
            workers=workers,
            callback=callback,
        )


def resume(run: str | Path, *, callback: Callback | None = None) -> Run:
    """Go on with a run that was stopped, from its last checkpoint to the end of its plan.

    Everything is as `run.json` has it. Raises `ConvlensError` where the pictures have changed.
    """
    folder = RunFolder(Path(run))
    with init_distributed() as workers:
        record = folder.record(workers)
        return _train(
            record.pictures,
            record.options,
            choice=record.plan.choice,
            folder=folder,
            workers=workers,
            callback=callback,
            record=record,
        )


def _train(
    pictures: str | Path,
    options: TrainOptions,
    *,
    choice: NetworkChoice,
    folder: RunFolder,
    workers: Workers,
    callback: Callback | None,
    record: Record | None = None,
) -> Run:
    """The story of a training; a resumed one has its plan from the record, and goes on from it."""
    if callback is None or not workers.first:
        callback = NullCallback()
    with folder.at_work(workers):
        dataset = _prepare(pictures, options, choice=choice, workers=workers, progress=callback)
        job = Job(dataset, options, workers=workers, callback=callback)
        if record is None:
            _check_pictures(job, choice)
        else:
            _check_same(learning_from(job, record.plan.folds).dataset, record)
        model = build_model(job, choice, folds=record.plan.folds if record else None)
        job = learning_from(job, model.folds)
        if record is None:
            plan = fit_to_budget(job, model, plan=make_plan(job, model))
            folder.write_record(job, model, plan=plan, pictures=pictures)
        else:
            plan = record.plan
        fitted = _fit(job, model, plan=plan, folder=folder, resumed=record is not None)
        metrics: dict[str, Any] = {}
        evaluation = None
        if workers.first:
            calibration = calibrate(job, model, fitted=fitted)
            exported = export_detector(job, model, fitted=fitted, calibration=calibration)
            evaluation = evaluate_held_out(job, exported, out_of_fold=fitted.out_of_fold)
            results = Results(fitted, calibration, exported=exported, evaluation=evaluation)
            metrics = summarize(job, model, plan=plan, results=results)
            folder.write_results(job, results, metrics=metrics)
        return Run(folder.path, metrics, evaluation, workers.broadcast(lambda: fitted.finished))


def _check(options: TrainOptions, choice: NetworkChoice) -> None:
    """Raise a `ConvlensError` for what can be known to be wrong before any picture is read."""
    parse_augmentations(options.augment.augment or DEFAULT)
    if options.compute.compute != "auto":
        Execution(EXECUTION_CONFIGS[options.compute.compute], 1)  # that there is such a GPU
    if choice.line != "auto" and not choice.line.startswith(PREFIX):
        network(choice.line, options.data.size or 4096, classes=2)  # that no layer is misspelt


def _prepare(
    pictures: str | Path,
    options: TrainOptions,
    *,
    choice: NetworkChoice,
    workers: Workers,
    progress: Callback,
) -> Dataset:
    """The pictures as pixels, divided; every worker has the same. Raises `ConvlensError`."""
    with workers.local_first():
        dataset = prepare(
            pictures, options.data, progress=progress.progress, usual_size=choice.usual_size
        )
    if workers.world_size > 1 and dataset.fingerprint() != workers.broadcast(dataset.fingerprint):
        raise ConvlensError(f"the pictures in {pictures} are not those that the first worker has")
    return dataset


def _check_pictures(job: Job, choice: NetworkChoice) -> None:
    """Say what the pictures are; raise a `ConvlensError` where they do not fit the options."""
    dataset = job.dataset
    folds = choose_folds(job.options, dataset, pretrained=choice.pretrained)
    if folds > 1 and job.workers.world_size > 1 and not choice.pretrained:
        raise UsageError(
            "--folds trains a network for each fold, which is for few pictures: train in one "
            "process, or without --folds"
        )
    held = len(dataset.catalog) if folds > 1 else len(dataset.split.rows("val"))
    job.learning.check_options(job.options.answer, dataset.classes, held_out=held)
    for note in notes_about(dataset, balanced=False):
        if note.warn:
            job.callback.warn(f"{note.what}: {note.done}")
    parts = ", ".join(f"{count:,} {name}" for name, count in dataset.split.counts().items())
    classes = ", ".join(dataset.classes[:8]) + (", …" if len(dataset.classes) > 8 else "")
    job.callback.say(
        f"pictures: {len(dataset.catalog):,} ({f'{folds} folds' if folds > 1 else parts}) of "
        f"{len(dataset.classes)} classes: {classes}; "
        f"{'decoded' if dataset.store.built else 'already decoded'}"
    )


def _check_same(dataset: Dataset, record: Record) -> None:
    """Raise a `ConvlensError` where the pictures are not those of the run."""
    if dataset.fingerprint() != record.fingerprint:
        raise ConvlensError(
            f"the pictures in {record.pictures} are not those that this run began with: bring them "
            "back, or train anew"
        )


def _fit(job: Job, model: Model, *, plan: RunPlan, folder: RunFolder, resumed: bool) -> Fitted:
    """Train, cross-validate where there are folds, and stop soundly where Ctrl-C asks for it."""
    torch.set_num_threads(plan.threads)
    keep_memory()
    if resumed and not job.workers.broadcast(folder.checkpoints.exists):
        job.callback.say("there is no checkpoint yet: beginning again, by the same plan")

    def on_first() -> None:
        job.callback.warn("stopping soundly after this step (Ctrl-C again stops at once) …")

    with stop_on_interrupt(on_first) as stop:
        fitted = fit(
            job,
            model,
            plan=plan,
            checkpoints=folder.checkpoints,
            stop=stop,
            on_begin=partial(folder.begin, job, resumed=resumed),
            callbacks=[EventLog(folder)] if job.workers.first else [],
        )
        if plan.folds > 1 and job.workers.first:
            out_of_fold = _cross_validate(job, model, plan=plan, folder=folder, stop=stop)
            fitted = replace(fitted, out_of_fold=out_of_fold)
    return _tell_stopped(job, fitted, plan=plan, folder=folder)


def _cross_validate(
    job: Job, model: Model, *, plan: RunPlan, folder: RunFolder, stop: Callable[[], bool]
) -> OutOfFold:
    if model.probe is not None:
        return cross_validate_probe(job, model.probe, count=plan.folds)
    return cross_validate_training(
        job, plan.folds, begin=partial(begin_anew, plan=plan), folder=folder.folds, stop=stop
    )


def _tell_stopped(job: Job, fitted: Fitted, *, plan: RunPlan, folder: RunFolder) -> Fitted:
    """Say how to go on where training, or a fold, was stopped before its end."""
    on = f"'convlens train --resume {folder.path}' goes on"
    if not fitted.finished:
        job.callback.warn(
            f"stopped after {fitted.progress.step:,} of {plan.step_plan.steps:,} steps; the "
            f"detector is made of what there is, and {on}"
        )
        return fitted
    out_of_fold = fitted.out_of_fold
    if out_of_fold is None or len(out_of_fold.indices) == len(job.dataset.split.rows("train")):
        return fitted
    job.callback.warn(
        f"stopped; the detector is whole, {len(out_of_fold.indices):,} pictures give its figures, "
        f"and {on} with the others"
    )
    return replace(fitted, finished=False)
