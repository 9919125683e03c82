"""`convlens train` for pictures with boxes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import torch

from ...engine.callbacks import Callback
from ...engine.compute.execution import Execution, give_back_memory, keep_memory
from ...engine.distributed import Workers
from ...engine.interrupt import STOPPING, stop_on_interrupt
from ...engine.logs import Log
from ...engine.loop import Loop
from ...engine.step_plan import StepPlan
from ...errors import ConvlensError
from ...files import sound_record
from ...options import EXECUTION_CONFIGS, TrainOptions, options_from
from ...pictures.catalog import listed
from ...stopwatch import Stopwatch
from ...tasks.answers import Evaluation
from ..run import Run
from ..run_folder import RunFolder
from .dataset import prepare_boxes
from .finish import finish
from .job import BoxJob, BoxPlan, check_wanted
from .learning import affordable_pixels, begin, make_loop, pace
from .network import BoxNetwork
from .writing import note_steps, write_preview, write_record, write_results


@dataclass(frozen=True)
class BoxRequest:
    """What is to be trained; a run that was begun has its plan and its pictures' fingerprint."""

    pictures: str | Path
    options: TrainOptions
    plan: BoxPlan | None = None
    fingerprint: str | None = None

    @staticmethod
    def recorded(folder: RunFolder, workers: Workers) -> "BoxRequest":
        """Of a run's `run.json`. Raises `ConvlensError` where it is damaged."""
        record = workers.broadcast(folder.read)
        with sound_record(folder.path / "run.json"):
            options = options_from(record["options"])
            plan = BoxPlan.from_record(record["plan"]).among(workers, options.compute.threads)
            fingerprint = str(record["data"]["fingerprint"])
            return BoxRequest(str(record["pictures"]), options, plan, fingerprint)


def train_boxes(
    request: BoxRequest,
    folder: RunFolder,
    *,
    workers: Workers,
    callback: Callback,
    stopwatch: Stopwatch,
) -> Run:
    """The story of a training of boxes; one that goes on has its plan already.

    Other workers than the first know nothing of its figures. Raises `ConvlensError`.
    """
    resumed = request.plan is not None
    with folder.at_work(workers, threads=request.options.compute.threads):
        job = _prepare(request, workers=workers, callback=callback, stopwatch=stopwatch)
        plan, network = begin(job, request.plan)
        if workers.first:
            write_record(folder, job, plan, network=network, pictures=request.pictures)
        logs = folder.logs(job.options, workers=workers, tell=callback)
        with stop_on_interrupt(partial(callback.warn, STOPPING)) as stop:
            loop, finished = _fit(
                job, plan, network=network, folder=folder, logs=logs, resumed=resumed, stop=stop
            )
            plan = replace(plan, steps=loop.plan)
            if not workers.first:
                return Run(folder.path, {}, None, finished)
            results = finish(job, plan, network=network.cpu(), steps=loop.progress.step)
            metrics = write_results(folder, job, plan, results=results, progress=loop.progress)
        for log in logs:
            log.results(metrics)
        evaluation = cast("Evaluation | None", results.evaluation)
        return Run(folder.path, metrics, evaluation, finished)


def _prepare(
    request: BoxRequest, *, workers: Workers, callback: Callback, stopwatch: Stopwatch
) -> BoxJob:
    """Read, divide and check the pictures, and say what was found."""
    canvas = request.plan.canvas if request.plan else None
    affordable = None
    if canvas is None:
        with stopwatch.part("timing"):
            affordable = affordable_pixels(request.options, workers)
    with stopwatch.part("reading"), workers.local_first():
        dataset = prepare_boxes(
            request.pictures,
            request.options.data,
            progress=callback.progress,
            canvas=canvas,
            affordable=affordable,
        )
    own = dataset.fingerprint()
    if {request.fingerprint or own, workers.broadcast(lambda: own)} != {own}:
        raise ConvlensError(
            f"the pictures in {request.pictures} are not those that this run, or its first worker, "
            "began with: bring them back, or train anew"
        )
    check_wanted(request.options.answer, dataset)
    counts, pictures = dataset.counts(), dataset.pictures()
    parts = ", ".join(f"{name} {pictures[name]:,}" for name in counts)
    objects = sum(sum(of.values()) for of in counts.values())
    callback.say(
        f"data:    {len(dataset.catalog):,} pictures with {objects:,} objects of "
        f"{len(dataset.classes)} classes ({dataset.catalog.form}); {parts}"
    )
    missing = [name for name in dataset.catalog.classes if name not in dataset.classes]
    if missing:
        callback.warn(
            f"no picture to learn from shows {', '.join(map(repr, missing))}: never an answer"
        )
    if dataset.skipped:
        callback.warn(f"{len(dataset.skipped):,} files are left out{listed(dataset.skipped)}")
    faults = dataset.catalog.faults
    if faults:
        callback.warn(
            f"{len(faults):,} boxes or labels have faults, which were mended or left out: "
            "'convlens inspect' tells them one by one"
        )
    return BoxJob(dataset, request.options, workers=workers, callback=callback, stopwatch=stopwatch)


def _fit(
    job: BoxJob,
    plan: BoxPlan,
    *,
    network: BoxNetwork,
    folder: RunFolder,
    logs: Sequence[Log],
    resumed: bool,
    stop: Callable[[], bool],
) -> tuple[Loop, bool]:
    """Train to the plan's end, or until `stop()`."""
    callback = job.callback
    torch.set_num_threads(plan.threads)
    keep_memory()

    def record(steps: StepPlan) -> None:
        note_steps(folder, steps)
        callback.say(f"plan:    {steps.steps:,} steps now, so as to end in time")

    revise: Callable[..., StepPlan] = pace(job, plan, record=record)
    execution = Execution(EXECUTION_CONFIGS[plan.compute], plan.threads)
    with job.stopwatch.part("training"):
        loop = make_loop(job, plan, network=network, execution=execution, revise=revise)
        if loop.restore(folder.checkpoints, callback.warn):
            callback.say(f"going on after step {loop.progress.step:,} of {plan.step_plan.steps:,}")
        if job.workers.first:
            folder.event("resume" if resumed else "begin", {"step": loop.progress.step})
            write_preview(folder, loop)
        finished = loop.run(folder.checkpoints, [callback, *logs], stop=stop)
    loop.module.load_state_dict(loop.best)
    give_back_memory()
    if not finished:
        callback.warn(
            f"stopped after {loop.progress.step:,} of {loop.plan.steps:,} steps; the "
            f"detector is made of what there is, and 'convlens train --resume {folder.path}' goes "
            "on"
        )
    return loop, finished
