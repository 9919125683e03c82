"""`convlens train`: from pictures to a run folder with a detector in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

import torch

from ..engine.callbacks import Callback, NullCallback, WarningCallback
from ..engine.checkpoint import holds_checkpoints
from ..engine.compute.execution import give_back_memory, keep_memory
from ..engine.distributed import Workers, init_distributed
from ..engine.interrupt import stop_on_interrupt
from ..engine.logs import Log, check_logs
from ..engine.step_plan import StepPlan
from ..options import TrainKeywords, TrainOptions, options_from
from ..pictures.boxes.reading import reading_of
from ..pictures.boxes.recognise import recognise
from ..stopwatch import Stopwatch
from ..tasks.answers import Evaluation
from ..transfer.pretrained import choose_network
from .budget import fit_to_budget
from .cross_validation import cross_validate_training
from .fit import Fitted, as_it_is, begin_anew, fit
from .job import Job, Request, check_request, learning_from, prepare_job
from .mixing import beside_what_is_frozen, to_train
from .model import Model, build_model
from .outcome import Outcome, conclude
from .plan import RunPlan, make_plan
from .run_folder import RunFolder, new_folder

if TYPE_CHECKING:
    from ..detector.detector import Detector
    from ..tasks.classification.metrics import Metrics


@dataclass(frozen=True)
class Run:
    """A run: its folder, and what its detector did on the held-out pictures.

    `metrics` is what `metrics.json` holds; `evaluation` has every answer, and is None where nothing
    was held out. A run that was stopped is not `finished`: `resume` goes on with it.
    """

    folder: Path
    metrics: dict[str, Any]
    evaluation: "Evaluation | None"
    finished: bool

    @property
    def detector(self) -> Path:
        """The detector file."""
        return self.folder / "detector.onnx"

    @property
    def test(self) -> "Metrics | None":
        """The metrics on the held-out pictures; None where there are none."""
        return self.evaluation.metrics if self.evaluation is not None else None

    def load(self) -> "Detector":
        """The detector, to predict with. Raises `ConvlensError` where the file is damaged."""
        from ..detector.detector import Detector

        return Detector(self.detector)

    def _repr_html_(self) -> str:
        """For notebooks: the folder, and the metrics as a table."""
        metrics = self.test._repr_html_() if self.test is not None else ""
        return f"<p>{escape(str(self.folder))}</p>{metrics}"


def train(
    pictures: str | Path,
    out: str | Path | None = None,
    *,
    callback: Callback | None = None,
    stopwatch: Stopwatch | None = None,
    **options: Unpack[TrainKeywords],
) -> Run:
    """Train a detector from labelled pictures. Ctrl-C ends soundly, with what there is.

    Processes that `torchrun` started share the work; the metrics are then with the first one.

    Args:
        pictures: A folder with one folder per class; such folders under `train`, `val` and `test`;
            a table of them; or shards, here or at an address (see `read_catalog`). Pictures with
            boxes, in any form that `read_boxes` reads, give a detector that finds boxes.
        out: The run folder to make; by default `runs/NAME`.
        callback: Hears of progress; by default nobody does, and warnings go to Python's `warnings`.
        stopwatch: Counts the seconds of each part of the run; by default a new one.
        options: Those of `convlens train`, by name: `minutes`, `size`, `network`, `seed`, …

    Returns:
        The run, with a detector in its folder that was proven to answer as the network does.

    Raises:
        ConvlensError: The pictures cannot be read, or are too few; `UsageError` where an option is
            wrong.

    Examples:
        >>> run = convlens.train("pictures/", minutes=10, seed=1)  # doctest: +SKIP
        >>> run.test.accuracy, run.test.accuracy_interval  # doctest: +SKIP
        (0.985, (0.964, 0.994))
        >>> run.load().predict("photo.jpg").predicted  # doctest: +SKIP
        'cat'
    """
    typed = options_from(options)
    check_logs(typed.log)
    if recognise(pictures, reading_of(typed.data.boxes)) is not None:
        return _train_boxes(
            lambda: new_folder(pictures, out),
            begun=(pictures, typed),
            callback=callback,
            stopwatch=stopwatch,
        )
    request = Request(pictures, typed, choice=choose_network(typed.network))
    check_request(request)
    with init_distributed() as workers:
        path = workers.broadcast(lambda: str(new_folder(pictures, out)))
        return _train(
            request,
            RunFolder(Path(path)),
            workers=workers,
            callback=callback,
            stopwatch=stopwatch or Stopwatch(),
        )


def resume(
    run: str | Path, *, callback: Callback | None = None, stopwatch: Stopwatch | None = None
) -> Run:
    """Go on with a run that was stopped, from its last checkpoint to the end of its plan.

    It ends in the same bytes as if it had never been stopped.

    Args:
        run: The folder of the run, whose `run.json` has the pictures, the options and the plan.
        callback: As for `train`.
        stopwatch: Counts the seconds of each part from now on; by default a new one.

    Returns:
        The run, as `train` returns it.

    Raises:
        ConvlensError: It is no run's folder, or the pictures have changed.

    Examples:
        >>> run = convlens.resume("runs/pictures")  # doctest: +SKIP
    """
    folder = RunFolder(Path(run))
    if folder.task == "boxes":
        return _train_boxes(lambda: folder.path, callback=callback, stopwatch=stopwatch)
    with init_distributed() as workers:
        request, plan = folder.recorded(workers)
        return _train(
            request,
            folder,
            workers=workers,
            callback=callback,
            stopwatch=stopwatch or Stopwatch(),
            plan=plan,
        )


def repeat(
    run: str | Path,
    out: str | Path | None = None,
    *,
    callback: Callback | None = None,
    stopwatch: Stopwatch | None = None,
) -> Run:
    """Train again as a run was trained: the same pictures, options, threads, and steps.

    On the same machine, with the same versions, it ends in the same bytes, also where the clock had
    decided about the steps on the way: the record of the run has all that was decided.

    Args:
        run: The folder of the run, whose `run.json` is its record.
        out: The run folder to make; by default `runs/NAME`.
        callback: As for `train`.
        stopwatch: Counts the seconds of each part; by default a new one.

    Returns:
        The new run, as `train` returns it.

    Raises:
        ConvlensError: It is no run's folder, or the pictures have changed.

    Examples:
        >>> again = convlens.repeat("runs/pictures")  # doctest: +SKIP
    """
    recorded = RunFolder(Path(run))
    with init_distributed() as workers:

        def begin() -> str:
            folder = RunFolder(new_folder(recorded.read()["pictures"], out))
            folder.repeat(recorded)
            return str(folder.path)

        path = workers.broadcast(begin)
    return resume(path, callback=callback, stopwatch=stopwatch)


def _train_boxes(
    folder: Callable[[], Path],
    *,
    begun: tuple[str | Path, TrainOptions] | None = None,
    callback: Callback | None,
    stopwatch: Stopwatch | None,
) -> Run:
    """Where pictures come with boxes: these pictures and options, or those of the folder's record.

    The first worker makes the folder.
    """
    from .boxes.job import check_options
    from .boxes.run import BoxRequest, train_boxes  # brings torchvision

    if begun is not None:
        check_options(begun[1])
    with init_distributed() as workers:
        path = RunFolder(Path(workers.broadcast(lambda: str(folder()))))
        request = BoxRequest(*begun) if begun else BoxRequest.recorded(path, workers)
        outcome = train_boxes(
            request,
            path,
            workers=workers,
            callback=(callback or WarningCallback()) if workers.first else NullCallback(),
            stopwatch=stopwatch or Stopwatch(),
        )
        evaluation = cast("Evaluation | None", outcome.evaluation)
        return Run(path.path, outcome.metrics, evaluation, outcome.finished)


def _train(
    request: Request,
    folder: RunFolder,
    *,
    workers: Workers,
    callback: Callback | None,
    stopwatch: Stopwatch,
    plan: RunPlan | None = None,
) -> Run:
    """The story of a training; one that goes on has its plan already."""
    callback = (callback or WarningCallback()) if workers.first else NullCallback()
    with folder.at_work(workers):
        job = prepare_job(request, workers=workers, callback=callback, stopwatch=stopwatch)
        logs = folder.logs(job.options, workers=workers, tell=callback)
        model = build_model(job, request)
        plan = plan or make_plan(job, model)
        folder.write_record(job, model, plan=plan, pictures=request.pictures)
        outcome, finished = None, True
        if plan.pretrained and workers.first:
            whole = learning_from(job, plan.folds)
            outcome = conclude(whole, model, fitted=as_it_is(whole, model, plan=plan))
            outcome = folder.write_results(outcome)
        if plan.trains:
            learner, begun = to_train(job, model)
            plan = fit_to_budget(learner, begun, plan=plan)
            folder.write_record(job, model, plan=plan, pictures=request.pictures)
            fitted = _fit(
                learner, begun, plan=plan, folder=folder, logs=logs, resumed=bool(request.folds)
            )
            finished = workers.broadcast(lambda: fitted.finished)
            if workers.first:
                tuned, fitted = beside_what_is_frozen(learner, model, tuned=begun, fitted=fitted)
                outcome = conclude(learner, tuned, fitted=fitted, frozen=outcome)
                outcome = folder.write_results(outcome)
        return _ended(folder, outcome, logs=logs, finished=finished)


def _ended(
    folder: RunFolder, outcome: Outcome | None, *, logs: Sequence[Log], finished: bool
) -> Run:
    """The run as the caller gets it; other workers than the first know nothing of its figures."""
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
) -> Fitted:
    """Train, cross-validate where there are folds, and stop soundly where Ctrl-C asks for it."""
    torch.set_num_threads(plan.threads)
    keep_memory()
    if resumed and not job.workers.broadcast(lambda: holds_checkpoints(folder.checkpoints)):
        job.callback.say("there is no checkpoint yet: beginning again, by the same plan")

    def on_first() -> None:
        job.callback.warn("stopping soundly after this step (Ctrl-C again stops at once) …")

    def record(training: int, steps: StepPlan) -> None:
        folder.revise(training, steps)
        job.callback.say(f"plan:    {steps.steps:,} steps now, so as to end in time")

    with stop_on_interrupt(on_first) as stop:
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
    out_of_fold = fitted.out_of_fold
    if out_of_fold is None or len(out_of_fold.indices) == len(job.dataset.split.rows("train")):
        return fitted
    job.callback.warn(
        f"stopped; the detector is whole, {len(out_of_fold.indices):,} pictures give its figures, "
        f"and {on} with the others"
    )
    return replace(fitted, finished=False)
