"""`convlens train`: from pictures to a run folder with a detector in it."""

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ..detector.evaluate import Evaluation
from ..errors import ConvlensError, UsageError
from ..files import only_one, read_json, saying_where, sound_record, write_whole
from ..network.named import usual_size
from ..network.spec import PREFIX, network
from ..pictures.splits import write_manifest
from .answers import check_answers
from .augment import USUAL, Augment, parse_ways
from .batches import Batches, Order
from .choose import Chosen, choose, first_module, first_start
from .compute import Compute, enough_memory, keep_memory
from .cost import make_cost
from .crossed import answer_crossed, answer_trained, settle_folds
from .frozen import FrozenStart, put_head
from .interrupt import stop_on_interrupt
from .listener import Listener, Silent, tell_steps
from .loop import Loop, Measure
from .model import ENLARGED, Pretrained, settle_network
from .notes import notes_about
from .options import TrainOptions, options_from
from .prepare import Prepared, prepare
from .results import Results, finish, versions


@dataclass(frozen=True)
class Run:
    """A finished run: its folder and what its detector did on the held-out pictures."""

    folder: Path
    metrics: dict[str, Any]
    evaluation: Evaluation | None
    finished: bool

    @property
    def detector(self) -> Path:
        """The detector file."""
        return self.folder / "detector.onnx"


def train(
    pictures: str | Path,
    out: str | Path | None = None,
    listener: Listener | None = None,
    **options: Any,
) -> Run:
    """Train a detector from labelled pictures; `options` are those of `TrainOptions`, by name.

    `pictures` is a folder with one folder per class, such folders under `train`, `val`, `test`, or
    a CSV or Parquet table. `out` is the run folder to make (`runs/NAME` unless told). Ctrl-C ends
    soundly, with the detector that there is. Raises `ConvlensError`.
    """
    listener = listener or Silent()
    asked = options_from(options)
    parse_ways(asked.augment.augment or USUAL)
    line, weights = settle_network(asked.network)
    if line != "auto" and not line.startswith(PREFIX):
        network(line, asked.data.size or 4096, 2)  # a misspelt layer fails at once
    folder = _new_folder(pictures, out)
    with only_one(folder), enough_memory():
        return _train(pictures, folder, asked, line, weights, listener)


def _train(
    pictures: str | Path,
    folder: Path,
    asked: TrainOptions,
    line: str,
    weights: str,
    listener: Listener,
) -> Run:
    size = usual_size(line)
    if size and weights in {"package", "hub"}:
        size = round(size * ENLARGED)
    prepared = prepare(pictures, asked.data, listener.progress, size)
    fold_count = settle_folds(asked, prepared, weights)
    to_judge = len(prepared.catalog) if fold_count > 1 else len(prepared.split.rows("val"))
    check_answers(asked.answer, prepared.classes, to_judge)
    for note in notes_about(prepared, balanced=False):
        if note.warn:
            listener.warn(f"{note.what}: {note.done}")
    listener.say(_describe(prepared, fold_count))
    chosen, described, start = choose(prepared, asked, line, weights, fold_count, listener)
    if chosen.folds > 1:
        prepared = prepared.undivided()
    record = {
        "pictures": str(Path(pictures).absolute()),
        "options": asked.flat(),
        "chosen": asdict(chosen),
        "network": described,
        "data": {"fingerprint": prepared.fingerprint(), "pictures": prepared.counts()},
        "classes": list(prepared.classes),
        "versions": versions(),
    }
    write_whole(folder / "run.json", json.dumps(record, indent=2) + "\n")
    write_manifest(folder / "manifest.csv", prepared.catalog, prepared.store, prepared.split)
    return _run(folder, prepared, asked, chosen, start, listener, resumed=False)


def resume(run: str | Path, listener: Listener | None = None) -> Run:
    """Go on with a run that was stopped, from its last checkpoint to the end of its plan.

    Everything is as `run.json` has it. Raises `ConvlensError` where the pictures have changed.
    """
    listener = listener or Silent()
    folder = Path(run)
    path = folder / "run.json"
    if folder.is_dir() and not path.exists():
        raise ConvlensError(
            f"{folder} has no run.json: it is no run's folder, or the run was killed before its "
            "first step, so there is nothing to go on with: train again"
        )
    record = read_json(path)
    with sound_record(path):
        asked = options_from(record["options"])
        chosen = Chosen.from_record(record["chosen"])
        pictures, fingerprint = str(record["pictures"]), record["data"]["fingerprint"]
    with only_one(folder), enough_memory():
        return _resume(folder, pictures, fingerprint, asked, chosen, listener)


def _resume(
    folder: Path,
    pictures: str,
    fingerprint: str,
    asked: TrainOptions,
    chosen: Chosen,
    listener: Listener,
) -> Run:
    prepared = prepare(pictures, replace(asked.data, size=chosen.size), listener.progress)
    if chosen.folds > 1:
        prepared = prepared.undivided()
    if prepared.fingerprint() != fingerprint:
        raise ConvlensError(
            f"the pictures in {pictures} are not those that this run began with: bring them back, "
            "or train anew"
        )
    return _run(folder, prepared, asked, chosen, None, listener, resumed=True)


def _run(
    folder: Path,
    prepared: Prepared,
    asked: TrainOptions,
    chosen: Chosen,
    start: FrozenStart | None,
    listener: Listener,
    resumed: bool,
) -> Run:
    """Train, from the beginning or from the last checkpoint, and write the results."""
    torch.set_num_threads(chosen.threads)
    keep_memory()
    if start is None:
        start = first_start(first_module(prepared, chosen, asked), prepared, asked, listener)
    loop = _begin(prepared, asked, chosen, start)
    checkpoints = folder / "checkpoint"
    if resumed and not checkpoints.exists():
        listener.say("there is no checkpoint yet: beginning again, by the same plan")
    elif resumed:
        loop.restore(checkpoints, listener.warn)
        done, steps = loop.progress.step, chosen.plan.steps
        listener.say(f"going on after step {done:,} of {steps:,}")
    results = Results(folder, prepared, loop, start, asked.answer)
    results.begin(resumed)

    def on_measure(measured: Measure) -> None:
        results.event("measure", asdict(measured))
        listener.measure(measured)

    def on_first() -> None:
        listener.warn("stopping soundly after this step (Ctrl-C again stops at once) …")

    crossed = None
    with stop_on_interrupt(on_first) as stop:
        finished = loop.run(
            checkpoints, stop, tell_steps(loop, listener), on_measure, listener.warn
        )
        if chosen.folds > 1 and start is not None:
            crossed = answer_crossed(start, chosen.folds, asked.answer, prepared.classes)
        elif chosen.folds > 1:
            begin = partial(_begin, asked=asked, chosen=chosen)
            crossed = answer_trained(
                prepared, chosen.folds, asked, begin, folder / "folds", stop, listener
            )
    if not finished:
        listener.warn(
            f"stopped after {loop.progress.step:,} of {loop.plan.steps:,} steps; the detector is "
            f"made of what there is, and 'convlens train --resume {folder}' goes on"
        )
    elif crossed is not None and len(crossed.places) < len(prepared.split.rows("train")):
        finished = False
        listener.warn(
            f"stopped; the detector is whole, {len(crossed.places):,} pictures give its figures, "
            f"and 'convlens train --resume {folder}' goes on with the others"
        )
    metrics, evaluation = finish(results, crossed, listener.progress)
    return Run(folder, metrics, evaluation, finished)


def _begin(
    prepared: Prepared, asked: TrainOptions, chosen: Chosen, start: FrozenStart | None = None
) -> Loop:
    """The loop before its first step."""
    examples = prepared.examples("train")
    module = first_module(prepared, chosen, asked)
    if isinstance(module, Pretrained) and start is not None:
        put_head(module, start.head())
    pretrained = isinstance(module, Pretrained)
    labels = torch.from_numpy(examples.labels)
    augment = Augment(parse_ways(chosen.augment), asked.data.seed)
    order = Order(len(examples), min(chosen.batch, len(examples)), asked.data.seed)
    return Loop(
        module,
        Batches(examples, order, augment, module.group),
        prepared.examples("val"),
        make_cost(asked.cost, labels, len(prepared.classes), pretrained),
        asked.optimizer,
        chosen.plan,
        Compute(chosen.compute, chosen.threads),
        asked.data.seed,
    )


def _describe(prepared: Prepared, folds: int) -> str:
    sides = ", ".join(f"{count:,} {side}" for side, count in prepared.split.counts().items())
    if folds > 1:
        sides = f"{folds} folds"
    classes = prepared.classes
    shown = ", ".join(classes[:8]) + (", …" if len(classes) > 8 else "")
    made = "decoded" if prepared.store.built else "already decoded"
    return (
        f"pictures: {len(prepared.catalog):,} ({sides}) of {len(classes)} classes: {shown}; {made}"
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
    name = Path(pictures).absolute().stem or "pictures"
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder
