"""`convlens train`: from pictures to a run folder with a detector in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import KW_ONLY, asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import torch

from ..dataset.augment import DEFAULT, Augment, parse_augmentations
from ..dataset.batches import Batches, Order
from ..dataset.notes import notes_about
from ..dataset.prepare import Dataset, prepare
from ..engine.callbacks import Callback, NullCallback
from ..engine.compute.execution import Execution, enough_memory, keep_memory
from ..engine.distributed import SINGLE_PROCESS, Workers, init_distributed
from ..engine.interrupt import stop_on_interrupt
from ..engine.loop import Loop
from ..engine.loss import make_loss
from ..engine.measurement import Measurement
from ..errors import ConvlensError, UsageError
from ..files import only_one, read_json, saying_where, sound_record, write_whole
from ..network.named import usual_size
from ..network.spec import PREFIX, network
from ..options import EXECUTION_CONFIGS, TrainKeywords, TrainOptions, options_from
from ..pictures.shards.urls import absolute_url, dataset_name
from ..pictures.splits import write_manifest
from ..tasks.classification.evaluation import Evaluation
from ..tasks.classification.fit_rule import check_answers
from ..transfer.linear_probe import LinearProbe, set_head
from ..transfer.pretrained import ENLARGED, Pretrained, settle_network
from .choose import Chosen, choose, first_module, first_start
from .cross_validation import choose_folds, cross_validate_probe, cross_validate_training
from .run_folder import Results, finish, versions


@dataclass(frozen=True)
class Run:
    """A finished run: its folder and what its detector did on the held-out pictures."""

    folder: Path
    metrics: dict[str, Any]
    _: KW_ONLY
    evaluation: Evaluation | None
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
    folder to make (`runs/NAME` unless told). Ctrl-C ends soundly, with the detector that there is.
    Processes that `torchrun` started share the work; the figures are then with the first one.
    Raises `ConvlensError`.
    """
    asked = options_from(options)
    parse_augmentations(asked.augment.augment or DEFAULT)
    line, weights = settle_network(asked.network)
    if line != "auto" and not line.startswith(PREFIX):
        network(line, asked.data.size or 4096, classes=2)  # a misspelt layer fails at once
    with init_distributed() as workers:
        folder = Path(workers.broadcast(lambda: str(_new_folder(pictures, out))))
        with _at_work(folder, workers):
            heard = _heard(callback, workers)
            return _train(
                pictures,
                folder,
                asked=asked,
                line=line,
                weights=weights,
                workers=workers,
                callback=heard,
            )


def _heard(callback: Callback | None, workers: Workers) -> Callback:
    """Of several workers, only the first one tells."""
    return callback if callback is not None and workers.first else NullCallback()


@contextmanager
def _at_work(folder: Path, workers: Workers) -> Iterator[None]:
    """Within it, the folder is this run's, and what ends it from outside is told clearly."""
    mine = only_one(folder) if workers.first else nullcontext()
    with mine, enough_memory(), workers.reporting_lost_worker(folder):
        yield


def _train(
    pictures: str | Path,
    folder: Path,
    *,
    asked: TrainOptions,
    line: str,
    weights: str,
    workers: Workers,
    callback: Callback,
) -> Run:
    if asked.compute.compute != "auto":
        Execution(
            EXECUTION_CONFIGS[asked.compute.compute], 1
        )  # before any picture is read: that there is such a GPU
    size = usual_size(line)
    if size and weights in {"package", "hub"}:
        size = round(size * ENLARGED)
    with workers.local_first():
        dataset = prepare(pictures, asked.data, progress=callback.progress, usual_size=size)
    if workers.world_size > 1:
        _same_pictures(dataset, pictures, fingerprint=workers.broadcast(dataset.fingerprint))
    fold_count = choose_folds(asked, dataset, weights=weights)
    _one_process(fold_count, weights, workers=workers)
    to_judge = len(dataset.catalog) if fold_count > 1 else len(dataset.split.rows("val"))
    check_answers(asked.answer, dataset.classes, held=to_judge)
    for note in notes_about(dataset, balanced=False):
        if note.warn:
            callback.warn(f"{note.what}: {note.done}")
    callback.say(_describe(dataset, fold_count))
    chosen, described, start = choose(
        dataset,
        asked,
        line=line,
        weights=weights,
        fold_count=fold_count,
        workers=workers,
        callback=callback,
    )
    if chosen.folds > 1:
        dataset = dataset.for_training()
    record = {
        "pictures": absolute_url(pictures),
        "options": asked.flat(),
        "chosen": asdict(chosen),
        "network": described,
        "data": {"fingerprint": dataset.fingerprint(), "pictures": dataset.counts()},
        "classes": list(dataset.classes),
        "versions": versions(),
    }
    if workers.first:
        write_whole(folder / "run.json", json.dumps(record, indent=2) + "\n")
        write_manifest(
            folder / "manifest.csv", dataset.catalog, store=dataset.store, split=dataset.split
        )
    return _run(
        folder,
        dataset,
        asked=asked,
        chosen=chosen,
        start=start,
        workers=workers,
        callback=callback,
        resumed=False,
    )


def _same_pictures(dataset: Dataset, pictures: str | Path, *, fingerprint: str) -> None:
    """Raise a `ConvlensError` where they are not those of the run, or of the first worker."""
    if dataset.fingerprint() != fingerprint:
        raise ConvlensError(
            f"the pictures in {pictures} are not those that this run began with: bring them back, "
            "or train anew"
        )


def _one_process(folds: int, weights: str, *, workers: Workers) -> None:
    """Raise `UsageError` where several would train a network for each fold."""
    if folds > 1 and workers.world_size > 1 and weights not in {"package", "hub"}:
        raise UsageError(
            "--folds trains a network for each fold, which is for few pictures: train in one "
            "process, or without --folds"
        )


def resume(run: str | Path, callback: Callback | None = None) -> Run:
    """Go on with a run that was stopped, from its last checkpoint to the end of its plan.

    Everything is as `run.json` has it. Raises `ConvlensError` where the pictures have changed.
    """
    folder = Path(run)
    with init_distributed() as workers:
        record = workers.broadcast(lambda: _record(folder))
        with sound_record(folder / "run.json"):
            asked = options_from(record["options"])
            chosen = Chosen.from_record(record["chosen"]).among(workers, asked.compute.threads)
            pictures, fingerprint = str(record["pictures"]), record["data"]["fingerprint"]
        with _at_work(folder, workers):
            heard = _heard(callback, workers)
            return _resume(
                folder,
                pictures,
                fingerprint=fingerprint,
                asked=asked,
                chosen=chosen,
                workers=workers,
                callback=heard,
            )


def _record(folder: Path) -> dict[str, Any]:
    """What `run.json` has. Raises `ConvlensError`."""
    path = folder / "run.json"
    if folder.is_dir() and not path.exists():
        raise ConvlensError(
            f"{folder} has no run.json: it is no run's folder, or the run was killed before its "
            "first step, so there is nothing to go on with: train again"
        )
    return read_json(path)


def _resume(
    folder: Path,
    pictures: str,
    *,
    fingerprint: str,
    asked: TrainOptions,
    chosen: Chosen,
    workers: Workers,
    callback: Callback,
) -> Run:
    _one_process(chosen.folds, chosen.weights, workers=workers)
    with workers.local_first():
        dataset = prepare(
            pictures, replace(asked.data, size=chosen.size), progress=callback.progress
        )
    if chosen.folds > 1:
        dataset = dataset.for_training()
    _same_pictures(dataset, pictures, fingerprint=fingerprint)
    return _run(
        folder,
        dataset,
        asked=asked,
        chosen=chosen,
        start=None,
        workers=workers,
        callback=callback,
        resumed=True,
    )


def _run(
    folder: Path,
    dataset: Dataset,
    *,
    asked: TrainOptions,
    chosen: Chosen,
    start: LinearProbe | None,
    workers: Workers,
    callback: Callback,
    resumed: bool,
) -> Run:
    """Train, from the beginning or from the last checkpoint, and write the results.

    The first worker writes; the others wait until it is done.
    """
    torch.set_num_threads(chosen.threads)
    keep_memory()
    if start is None and workers.first:
        start = first_start(
            first_module(dataset, chosen, asked=asked), dataset, asked=asked, callback=callback
        )
    checkpoints = folder / "checkpoint"
    there = workers.broadcast(checkpoints.exists)  # others come to the loop when the first one does
    loop = _begin(dataset, asked, chosen, start, workers)
    if resumed and not there:
        callback.say("there is no checkpoint yet: beginning again, by the same plan")
    elif resumed:
        loop.restore(checkpoints, callback.warn)
        done, steps = loop.progress.step, chosen.plan.steps
        callback.say(f"going on after step {done:,} of {steps:,}")
    results = Results(folder, dataset, loop=loop, start=start, answer=asked.answer)
    if workers.first:
        results.begin(resumed)

    def on_first() -> None:
        callback.warn("stopping soundly after this step (Ctrl-C again stops at once) …")

    out_of_fold = None
    with stop_on_interrupt(on_first) as stop:
        finished = loop.run(checkpoints, [_EventLog(results), callback], stop=stop)
        if workers.first and chosen.folds > 1 and start is not None:
            out_of_fold = cross_validate_probe(
                start, chosen.folds, asked=asked.answer, classes=dataset.classes
            )
        elif workers.first and chosen.folds > 1:
            begin = partial(_begin, asked=asked, chosen=chosen)
            out_of_fold = cross_validate_training(
                dataset,
                chosen.folds,
                asked=asked,
                begin=begin,
                folder=folder / "folds",
                stop=stop,
                callback=callback,
            )
    if not finished:
        callback.warn(
            f"stopped after {loop.progress.step:,} of {loop.plan.steps:,} steps; the detector is "
            f"made of what there is, and 'convlens train --resume {folder}' goes on"
        )
    elif out_of_fold is not None and len(out_of_fold.places) < len(dataset.split.rows("train")):
        finished = False
        callback.warn(
            f"stopped; the detector is whole, {len(out_of_fold.places):,} pictures give its "
            f"figures, and 'convlens train --resume {folder}' goes on with the others"
        )
    metrics: dict[str, Any] = {}
    evaluation = None
    if workers.first:
        metrics, evaluation = finish(results, out_of_fold, progress=callback.progress)
    return Run(folder, metrics, evaluation=evaluation, finished=workers.broadcast(lambda: finished))


class _EventLog(NullCallback):
    """Writes measurements to the run's `events.jsonl`, by the first worker."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def measure(self, measurement: Measurement) -> None:
        if self._results.loop.workers.first:
            self._results.event("measure", asdict(measurement))


def _begin(
    dataset: Dataset,
    asked: TrainOptions,
    chosen: Chosen,
    start: LinearProbe | None = None,
    workers: Workers = SINGLE_PROCESS,
) -> Loop:
    """The loop before its first step."""
    examples = dataset.examples("train")
    module = first_module(dataset, chosen, asked=asked)
    if isinstance(module, Pretrained) and start is not None:
        set_head(module, start.head())
    pretrained = isinstance(module, Pretrained)
    labels = torch.from_numpy(examples.labels)
    augment = Augment(parse_augmentations(chosen.augment), asked.data.seed)
    order = Order(len(examples), min(chosen.batch, len(examples)), seed=asked.data.seed)
    return Loop(
        module,
        Batches(examples, order, augment=augment, micro_batch=module.micro_batch),
        val=dataset.examples("val"),
        loss=make_loss(asked.loss, labels, classes=len(dataset.classes), pretrained=pretrained),
        options=asked.optimizer,
        plan=chosen.plan,
        execution=Execution(EXECUTION_CONFIGS[chosen.compute], chosen.threads),
        seed=asked.data.seed,
        workers=workers,
    )


def _describe(dataset: Dataset, folds: int) -> str:
    sides = ", ".join(f"{count:,} {side}" for side, count in dataset.split.counts().items())
    if folds > 1:
        sides = f"{folds} folds"
    classes = dataset.classes
    shown = ", ".join(classes[:8]) + (", …" if len(classes) > 8 else "")
    made = "decoded" if dataset.store.built else "already decoded"
    return (
        f"pictures: {len(dataset.catalog):,} ({sides}) of {len(classes)} classes: {shown}; {made}"
    )


def _holds_something(folder: Path) -> bool:
    """Whether there is more than what a run that was killed before it began leaves behind."""
    with saying_where(folder, "list"):
        return any(not path.name.startswith(".") for path in folder.iterdir())


def _new_folder(pictures: str | Path, out: str | Path | None) -> Path:
    if out is not None:
        folder = Path(out)
        if folder.exists() and (not folder.is_dir() or _holds_something(folder)):
            raise UsageError(
                f"--out {folder}: it exists; name another, or go on with it: --resume {folder}"
            )
        return folder
    name = dataset_name(pictures)
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder
