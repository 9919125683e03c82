"""A run's folder: its record, events, checkpoints, and what it leaves."""

import importlib.metadata
import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from .._version import __version__
from ..dataset.prepare import Dataset
from ..detector.draw import explained
from ..drawing.thumbnails import contact_sheet
from ..engine.callbacks import Callback
from ..engine.compute.execution import enough_memory
from ..engine.compute.spinning import considerate_threads
from ..engine.distributed import Workers
from ..engine.logs import LOGS, Log
from ..engine.loop import Loop
from ..engine.measurement import Measurement
from ..engine.step_plan import StepPlan
from ..errors import ConvlensError, UsageError
from ..files import (
    exists,
    given_path,
    only_one,
    read_json,
    saying_where,
    sound_record,
    write_whole,
)
from ..options import TrainOptions, options_from
from ..parallel import at_most
from ..pictures.shards.urls import absolute_url, dataset_name
from ..pictures.splits import write_manifest
from .artifacts import write_artifacts
from .job import Job, Request, learning_from
from .model import Model
from .outcome import Outcome
from .plan import RunPlan

PREVIEWED = 24
"""Pictures on `preview.png`."""

PACKAGES = ("torch", "onnx", "onnxruntime", "numpy", "pillow", "safetensors")


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes; every file is written whole or not at all."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """The last states of the training."""
        return self.path / "checkpoint"

    @property
    def folds(self) -> Path:
        """What folds that were trained came to."""
        return self.path / "folds"

    @contextmanager
    def at_work(self, workers: Workers, *, threads: int | None) -> Iterator[None]:
        """Within it the folder is this run's, and what ends it from outside is told clearly.

        There are no more than so many `threads`, where a number is asked for.
        """
        mine = only_one(self.path) if workers.first else nullcontext()
        lost = workers.reporting_lost_worker(self.path)
        with mine, at_most(threads), enough_memory(), considerate_threads(), lost:
            yield

    def read(self) -> dict[str, Any]:
        """What `run.json` holds. Raises `ConvlensError`."""
        path = self.path / "run.json"
        if self.path.is_dir() and not path.exists():
            raise ConvlensError(
                f"{self.path} has no run.json: it is no run's folder, or the run was killed before "
                "all was decided, so there is nothing to go on with: train again"
            )
        return read_json(path)

    @property
    def task(self) -> str:
        """The kind of answer that the run is for. Raises `ConvlensError` where it is no run."""
        return str(self.read().get("task", "classification"))

    def recorded(self, workers: Workers) -> tuple[Request, RunPlan]:
        """What a resumed run keeps to, read by the first worker. Raises `ConvlensError`."""
        record = workers.broadcast(self.read)
        with sound_record(self.path / "run.json"):
            options = options_from(record["options"])
            plan = RunPlan.from_record(record["plan"]).among(workers, options.compute.threads)
            request = Request(
                str(record["pictures"]),
                replace(options, data=replace(options.data, size=plan.size)),
                choice=plan.choice,
                folds=plan.folds,
                backbones=tuple(plan.backbones),
                threads=plan.threads,
                fingerprint=str(record["data"]["fingerprint"]),
                teacher=record["teacher"],
            )
            classes, begun = len(record["classes"]), record["weights"]["sha256"]
        with workers.local_first():
            now = plan.choice.origin(classes)
        if now.sha256 != begun:
            raise ConvlensError(
                f"{now.file} is not what this run began with (SHA-256 {begun}): bring it back, or "
                "train anew"
            )
        return request, plan

    def write_record(self, job: Job, model: Model, *, plan: RunPlan, pictures: str | Path) -> None:
        """Write `run.json`, by the first worker: with it the run can be resumed.

        `manifest.csv` says what a detector learnt from, so that where there is one it stays.
        """
        if not job.workers.first:
            return
        dataset = job.dataset
        record = {
            "pictures": absolute_url(pictures),
            "options": job.options.flat(),
            "plan": asdict(plan),
            "network": model.architecture.describe(),
            "weights": asdict(model.origin),
            "data": {"fingerprint": dataset.fingerprint(), "pictures": dataset.counts()},
            "teacher": None if dataset.lessons is None else dataset.lessons.digest,
            "classes": list(dataset.classes),
            "versions": versions(),
        }
        self.write(record)
        if not self.complete:
            self._write_manifest(learning_from(job, plan.folds).dataset)

    def _write_manifest(self, dataset: Dataset) -> None:
        """Which pictures are learnt from, and which are held out."""
        write_manifest(
            self.path / "manifest.csv", dataset.catalog, store=dataset.store, split=dataset.split
        )

    @property
    def complete(self) -> bool:
        """Whether all that comes with a detector stands there: the card is written last."""
        return (self.path / "card.md").exists()

    def revise(self, training: int, steps: StepPlan) -> None:
        """Note in `run.json` that a training has other steps from here on."""
        record = self.read()
        plan = RunPlan.from_record(record["plan"]).with_steps(training, steps)
        self.write({**record, "plan": asdict(plan)})

    def repeat(self, run: "RunFolder") -> None:
        """Begin as another run did, and with all that was decided in it; no clock runs."""
        record = run.read()
        with sound_record(run.path / "run.json"):
            plan = {**record["plan"], "time": None}
        with saying_where(self.path, "make"):
            self.path.mkdir(parents=True, exist_ok=True)
        self.write({**record, "plan": plan})
        with saying_where(run.path / "manifest.csv", "read"):
            write_whole(self.path / "manifest.csv", (run.path / "manifest.csv").read_bytes())

    def write(self, record: dict[str, Any]) -> None:
        """Write `run.json`."""
        write_whole(self.path / "run.json", json.dumps(record, indent=2) + "\n")

    def event(self, kind: str, values: dict[str, Any]) -> None:
        """Append one line to `events.jsonl`."""
        path = self.path / "events.jsonl"
        with saying_where(path, "write"), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": kind, **values}) + "\n")

    def begin(self, job: Job, loop: Loop, *, resumed: bool) -> None:
        """Note the beginning, and keep a picture of a real training batch, by the first worker."""
        if job.workers.first:
            self.event("resume" if resumed else "begin", {"step": loop.progress.step})
            write_whole(self.path / "preview.png", preview(loop))

    def write_results(self, outcome: Outcome) -> Outcome:
        """Write the detector, its parameters, answers, metrics, report and card, by the first one.

        Returns the outcome, whose metrics have the `seconds` of each part of the run, of writing as
        far as it was.
        """
        job, results = outcome.job, outcome.results
        # of joined backbones the first may have won alone
        self.write({**self.read(), "network": outcome.model.architecture.describe()})
        evaluation, dataset = results.evaluation, job.dataset
        file, answers = results.exported.file, None
        with job.stopwatch.part("writing"):
            if evaluation is not None:
                comparing = job.task.comparing()
                answers = comparing.answers_csv(evaluation.answers, dataset.classes)
            report = job.task.report(outcome.metrics, evaluation, explain=partial(explained, file))
        self._keep_preview(dataset)
        metrics = write_artifacts(
            self.path,
            stopwatch=job.stopwatch,
            # the plan's parameters are not those of another backbone that was fine-tuned
            record={**self.read(), "weights": asdict(outcome.model.origin)},
            parameters=results.fitted.module.state_dict(),
            detector=results.file(),
            answers=answers,
            metrics=outcome.metrics,
            report=report,
            history=outcome.history,
            sources=dataset.subset(dataset.split.held_out).sources,
            multiplications=results.exported.multiplications,
            task="classification",
        )
        with job.stopwatch.part("writing"):  # until now it held out no more than is true of both
            self._write_manifest(dataset)
        accuracy = evaluation.metrics.accuracy if evaluation else None
        best = results.fitted.progress.best_step
        self.event("detector", {"step": best, "accuracy": accuracy})
        return replace(outcome, metrics=metrics)

    def _keep_preview(self, dataset: Dataset) -> None:
        """Some pictures as they are, where none of a training batch were kept."""
        path = self.path / "preview.png"
        if not path.exists():
            examples = dataset.examples("train")
            write_whole(path, contact_sheet(list(examples.pixels[examples.rows[:PREVIEWED]])))

    def logs(self, options: TrainOptions, *, workers: Workers, tell: Callback) -> list[Log]:
        """What keeps the measurements, by the first worker: `events.jsonl`, and what is asked."""
        if not workers.first:
            return []
        asked = [LOGS[name] for name in options.log.names()]
        return [EventLog(self), *(log(self.path, options, tell=tell) for log in asked)]


class EventLog(Log):
    """Writes measurements and the end to the run's `events.jsonl`."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def measure(self, measurement: Measurement) -> None:
        """Note it."""
        self._folder.event("measure", asdict(measurement))

    def results(self, metrics: Mapping[str, Any]) -> None:
        """Note the end."""
        test, steps = metrics["test"] or {}, metrics["training"]["steps"]
        brief = {name: test[name] for name in ("accuracy", "AP50") if name in test}
        values = {"step": steps, **(brief or {"accuracy": None}), "seconds": metrics["seconds"]}
        self._folder.event("end", values)


def new_folder(pictures: str | Path, out: str | Path | None) -> Path:
    """`out`, or by default a new `runs/NAME`. Raises `UsageError` where `out` is in use."""
    if out is not None:
        path = given_path(out)
        if exists(path) and not path.is_dir():
            raise UsageError(f"--out {path}: it is a file; name a folder")
        if exists(path) and _holds_something(path):
            raise UsageError(
                f"--out {path}: it exists; name another, or go on with it: --resume {path}"
            )
        return path
    name, number = dataset_name(pictures), 1
    path = Path("runs") / name
    while path.exists():
        number += 1
        path = Path("runs") / f"{name}-{number}"
    return path


def versions() -> dict[str, str]:
    """Versions of what decides about a run's numbers."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"convlens": __version__, "python": platform.python_version(), **packages}


def preview(loop: Loop) -> bytes:
    """The first pictures of the first training batch, as the network sees them: a PNG."""
    size = loop.batches.examples.pixels.shape[1]
    _, micro_batches = loop.batches.micro_batches(0, size, encode=loop.objective.encode)
    pixels = next(micro_batches)[0][:PREVIEWED]
    shown = (pixels.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    return contact_sheet(list(shown))


def _holds_something(path: Path) -> bool:
    """Whether there is more than what a run that was killed before it began leaves behind."""
    with saying_where(path, "list"):
        return any(not inside.name.startswith(".") for inside in path.iterdir())
