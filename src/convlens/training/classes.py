"""`convlens train` for pictures of one class each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch

from ..engine.callbacks import Callback
from ..engine.checkpoint import holds_checkpoints
from ..engine.compute.execution import give_back_memory, keep_memory
from ..engine.distributed import Workers
from ..engine.interrupt import STOPPING, stop_on_interrupt
from ..engine.logs import Log
from ..engine.step_plan import StepPlan
from ..stopwatch import Stopwatch
from .budget import fit_to_budget
from .cross_validation import cross_validate_training
from .fit import Fitted, as_it_is, begin_anew, fit
from .job import Job, Request, learning_from, prepare_job
from .mixing import beside_what_is_frozen, to_train
from .model import Model, build_model
from .outcome import conclude
from .plan import RunPlan, make_plan
from .run import Run
from .run_folder import RunFolder


def train_classes(
    request: Request,
    folder: RunFolder,
    *,
    workers: Workers,
    callback: Callback,
    stopwatch: Stopwatch,
    plan: RunPlan | None = None,
) -> Run:
    """The story of a training; one that goes on has its plan already.

    Other workers than the first know nothing of its figures. Raises `ConvlensError`.
    """
    resumed = bool(request.folds)
    with folder.at_work(workers, threads=request.options.compute.threads):
        job = prepare_job(request, workers=workers, callback=callback, stopwatch=stopwatch)
        logs = folder.logs(job.options, workers=workers, tell=callback)
        model = build_model(job, request)
        plan = plan or make_plan(job, model)
        folder.write_record(job, model, plan=plan, pictures=request.pictures)
        outcome, finished = None, True
        if plan.pretrained and workers.first:
            whole = learning_from(job, plan.folds)
            outcome = conclude(whole, model, fitted=as_it_is(whole, model, plan=plan))
            if not (resumed and plan.trains and folder.complete):  # what stands may be fine-tuned
                outcome = folder.write_results(outcome)
        if plan.trains:
            learner, chosen, begun = to_train(job, model)
            plan = fit_to_budget(learner, begun, plan=plan)
            folder.write_record(job, model, plan=plan, pictures=request.pictures)
            with stop_on_interrupt(partial(callback.warn, STOPPING)) as stop:
                fitted = _fit(
                    learner, begun, plan=plan, folder=folder, logs=logs, resumed=resumed, stop=stop
                )
                finished = workers.broadcast(lambda: fitted.finished)
                if workers.first:
                    both = beside_what_is_frozen(learner, chosen, tuned=begun, fitted=fitted)
                    outcome = conclude(learner, both[0], fitted=both[1], frozen=outcome)
                    outcome = folder.write_results(outcome)
        if outcome is None:
            return Run(folder.path, {}, None, finished)
        for log in logs:
            log.results(outcome.metrics)
        return Run(folder.path, outcome.metrics, outcome.results.evaluation, finished)


def _fit(
    job: Job,
    model: Model,
    *,
    plan: RunPlan,
    folder: RunFolder,
    logs: Sequence[Log],
    resumed: bool,
    stop: Callable[[], bool],
) -> Fitted:
    """Train, and cross-validate where there are folds, until `stop()`."""
    torch.set_num_threads(plan.threads)
    keep_memory()
    if resumed and not job.workers.broadcast(lambda: holds_checkpoints(folder.checkpoints)):
        job.callback.say("there is no checkpoint yet: beginning again, by the same plan")

    def record(training: int, steps: StepPlan, why: str) -> None:
        folder.revise(training, steps)
        job.callback.say(f"plan:    {steps.steps:,} steps now, {why}")

    fitted = fit(
        job,
        model,
        plan=plan,
        checkpoints=folder.checkpoints,
        stop=stop,
        on_begin=partial(folder.begin, job, resumed=resumed),
        record=record,
        callbacks=logs,
    )
    if plan.folds > 1 and not plan.pretrained and job.workers.first:
        begin = partial(begin_anew, plan=fitted.plan, record=record)
        out_of_fold = cross_validate_training(
            job, plan.folds, begin=begin, folder=folder.folds, stop=stop
        )
        fitted = replace(fitted, out_of_fold=out_of_fold)
    give_back_memory()
    return _tell_stopped(job, fitted, folder=folder)


def _tell_stopped(job: Job, fitted: Fitted, *, folder: RunFolder) -> Fitted:
    """Say how to go on where training, or a fold, was stopped before its end."""
    on = f"'convlens train --resume {folder.path}' goes on"
    if not fitted.finished:
        job.callback.warn(
            f"stopped after {fitted.progress.step:,} of {fitted.plan.step_plan.steps:,} steps; the "
            f"detector is made of what there is, and {on}"
        )
        return fitted
    out_of_fold, asked = fitted.out_of_fold, job.options.answer
    if out_of_fold is None:
        return fitted
    if not len(out_of_fold.indices) and (asked.coverage or asked.recall):
        job.callback.warn(
            "no fold is done, so that what --coverage or --recall asks for is not set: the answer "
            f"is the most probable class, and {on}"
        )
    if not out_of_fold.stopped:
        return fitted
    job.callback.warn(
        f"stopped; the detector is whole, {len(out_of_fold.indices):,} pictures give its figures, "
        f"and {on} with the others"
    )
    return replace(fitted, finished=False)
