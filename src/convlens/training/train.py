"""`convlens train`: from pictures to a run folder with a detector in it."""

import copy
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from ..detector.evaluate import Evaluation
from ..errors import ConvlensError, UsageError
from ..files import saying_where, write_whole
from ..network.build import Classifier, build
from ..network.named import line_of
from ..network.spec import Network, network
from ..pictures.splits import write_manifest
from .augment import Augment, parse_ways
from .batches import Batches, Order
from .checkpoint import read_parameters
from .compute import Compute, time_choices
from .cost import make_cost
from .interrupt import stop_on_interrupt
from .loop import Loop, Measure, Plan
from .options import BudgetOptions, TrainOptions, options_from
from .prepare import Prepared, prepare, warnings_about
from .results import Results, finish, versions

DEFAULT_MINUTES = 5.0
MOST_EPOCHS = 200
"""No more passes than these where neither epochs nor minutes are asked for."""


class Listener(Protocol):
    """What wants to know how training goes; the command line prints it."""

    def say(self, text: str) -> None:
        """One line worth reading."""

    def warn(self, text: str) -> None:
        """Something that may need the user's attention."""

    def progress(self, what: str, done: int, total: int) -> None:
        """A long piece of work other than training itself."""

    def step(self, done: int, steps: int, pictures_per_second: float, seconds_left: float) -> None:
        """One training step is done."""

    def measure(self, measured: Measure) -> None:
        """J and accuracy were measured."""


class Silent:
    """A listener that prints nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Nothing."""

    def step(self, done: int, steps: int, pictures_per_second: float, seconds_left: float) -> None:
        """Nothing."""

    def measure(self, measured: Measure) -> None:
        """Nothing."""


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


@dataclass(frozen=True)
class Chosen:
    """What was decided before the first step; a resumed run keeps to it."""

    size: int
    network: str
    batch: int
    steps: int
    measure_every: int
    compute: str
    threads: int


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
    parse_ways(asked.augment.augment)
    if asked.network.network != "auto":
        network(line_of(asked.network.network, 0, 0), asked.data.size or 4096, 2)  # fail at once
    folder = _new_folder(pictures, out)
    prepared = prepare(pictures, asked.data, listener.progress)
    for text in warnings_about(prepared):
        listener.warn(text)
    listener.say(_describe(prepared))
    chosen = _choose(prepared, asked, listener)
    with saying_where(folder, "make the run folder"):
        folder.mkdir(parents=True, exist_ok=True)
    record = {
        "pictures": str(Path(pictures).absolute()),
        "options": asked.flat(),
        "chosen": asdict(chosen),
        "data": {"fingerprint": prepared.fingerprint(), "pictures": prepared.counts()},
        "classes": list(prepared.classes),
        "versions": versions(),
    }
    write_whole(folder / "run.json", json.dumps(record, indent=2) + "\n")
    write_manifest(folder / "manifest.csv", prepared.catalog, prepared.store, prepared.split)
    return _run(folder, prepared, asked, chosen, listener, resumed=False)


def resume(run: str | Path, listener: Listener | None = None) -> Run:
    """Go on with a run that was stopped, from its last checkpoint to the end of its plan.

    Everything is as `run.json` has it. Raises `ConvlensError` where the pictures have changed.
    """
    listener = listener or Silent()
    folder = Path(run)
    path = folder / "run.json"
    with saying_where(path, "read"):
        text = path.read_text("utf-8")
    try:
        record = json.loads(text)
        asked = options_from(record["options"])
        chosen = Chosen(**record["chosen"])
        pictures, fingerprint = record["pictures"], record["data"]["fingerprint"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConvlensError(f"{path} is not a run's record: {error!r}") from error
    prepared = prepare(pictures, replace(asked.data, size=chosen.size), listener.progress)
    if prepared.fingerprint() != fingerprint:
        raise ConvlensError(
            f"the pictures in {pictures} are not those that this run began with: bring them back, "
            "or train anew"
        )
    return _run(folder, prepared, asked, chosen, listener, resumed=True)


def _run(
    folder: Path,
    prepared: Prepared,
    asked: TrainOptions,
    chosen: Chosen,
    listener: Listener,
    resumed: bool,
) -> Run:
    """Train, from the beginning or from the last checkpoint, and write the results."""
    torch.set_num_threads(chosen.threads)
    examples = prepared.examples("train")
    module = _module(prepared, asked, chosen)
    order = Order(len(examples), chosen.batch, asked.data.seed)
    loop = Loop(
        module,
        Batches(examples, order, Augment(parse_ways(asked.augment.augment), asked.data.seed)),
        prepared.examples("val"),
        make_cost(asked.cost, torch.from_numpy(examples.labels), len(prepared.classes)),
        asked.optimizer,
        Plan(chosen.steps, chosen.measure_every),
        Compute(chosen.compute, chosen.threads),
        asked.data.seed,
    )
    checkpoints = folder / "checkpoint"
    if resumed:
        loop.restore(checkpoints, listener.warn)
        done, steps = loop.progress.step, chosen.steps
        listener.say(f"going on after step {done:,} of {steps:,}")
    results = Results(folder, prepared, asked.flat(), chosen.network, loop)
    results.begin(resumed)

    def on_step(done: int, rate: float) -> None:
        left = (chosen.steps - done) * loop.progress.seconds / max(1, done)
        listener.step(done, chosen.steps, rate, left)

    def on_measure(measured: Measure) -> None:
        results.event("measure", asdict(measured))
        listener.measure(measured)

    def on_first() -> None:
        listener.warn("stopping soundly after this step (Ctrl-C again stops at once) …")

    with stop_on_interrupt(on_first) as stop:
        finished = loop.run(checkpoints, stop, on_step, on_measure)
    if not finished:
        listener.warn(
            f"stopped after {loop.progress.step:,} of {chosen.steps:,} steps; the detector is made "
            f"of what there is, and 'convlens train --resume {folder}' goes on"
        )
    metrics, evaluation = finish(results, listener.progress)
    return Run(folder, metrics, evaluation, finished)


def _module(prepared: Prepared, asked: TrainOptions, chosen: Chosen) -> Classifier:
    spec = network(chosen.network, chosen.size, len(prepared.classes))
    mean, std = prepared.examples("train").moments()
    module = build(spec, asked.data.seed, mean, std)
    if asked.network.weights != "none":
        path = Path(asked.network.weights)
        if path.suffix != ".safetensors":
            raise UsageError(f"--weights {path}: it can be none or a .safetensors file")
        found = read_parameters(path)
        try:
            module.load_state_dict(found)
        except RuntimeError as error:
            first = str(error).splitlines()[1:2] or [str(error)]
            raise ConvlensError(
                f"{path} does not fit the network '{chosen.network}': {first[0].strip()}"
            ) from error
    return module


def _choose(prepared: Prepared, asked: TrainOptions, listener: Listener) -> Chosen:
    """Settle size, network, batch, computing and number of steps."""
    examples = prepared.examples("train")
    size, pictures, seed = prepared.store.size, len(examples), asked.data.seed
    line = line_of(asked.network.network, size, pictures)
    spec = network(line, size, len(prepared.classes))
    batch = _batch(asked.optimizer.batch, pictures)
    draft = Chosen(size, spec.text, batch, 1, 1, "float32", 1)
    template = _module(prepared, asked, draft)
    augment = Augment(parse_ways(asked.augment.augment), seed)
    cost = make_cost(asked.cost, torch.from_numpy(examples.labels), len(prepared.classes))
    candidates: dict[str, Loop] = {}

    def step(compute: Compute) -> None:
        if compute.choice not in candidates:
            # one group is enough to tell the candidates apart, however large the batch
            batches = Batches(examples, Order(pictures, min(batch, 64), seed), augment)
            candidates[compute.choice] = Loop(
                copy.deepcopy(template),
                batches,
                prepared.examples("val"),
                cost,
                asked.optimizer,
                Plan(1, 1),
                compute,
                seed,
            )
        candidates[compute.choice].train_step(0)

    compute, seconds = time_choices(asked.compute.compute, asked.compute.threads, step)
    rate = min(batch, 64) / seconds[compute.choice]
    held = len(prepared.split.rows("val"))
    steps = _steps(asked.budget, pictures, batch, rate * pictures / (pictures + held / 3))
    every = round(min(max(pictures / batch, steps / 40), steps / 10))
    total = spec.total()
    listener.say(f"network: {_shorten(spec)}")
    listener.say(
        f"         {total.parameters:,} parameters, {total.multiplications:,} multiplications "
        f"per picture, {size}×{size} pixels"
    )
    if len(seconds) > 1:
        listener.say(
            f"compute: {compute}, the fastest of {len(seconds)} timed ({rate:,.0f} pictures/s)"
        )
    listener.say(
        f"plan:    {steps:,} steps of {batch} pictures ({steps * batch / pictures:,.1f} epochs), "
        f"about {steps * batch / rate / 60:.1f} minutes"
    )
    return Chosen(size, spec.text, batch, steps, max(1, every), compute.choice, compute.threads)


def _batch(asked: str, pictures: int) -> int:
    if asked == "full":
        return pictures
    if not asked.isdecimal() or int(asked) < 1:
        raise UsageError(f"--batch {asked}: it takes a number of pictures, or full")
    return min(int(asked), pictures)


def _steps(budget: BudgetOptions, pictures: int, batch: int, rate: float) -> int:
    """Steps that make up the epochs asked for, or that fit the minutes at `rate` pictures/s."""
    if budget.steps is not None:
        return budget.steps
    if budget.epochs is not None:
        return math.ceil(budget.epochs * pictures / batch)
    steps = math.floor((budget.minutes or DEFAULT_MINUTES) * 60 * rate / batch)
    if budget.minutes is None:
        steps = min(steps, math.ceil(MOST_EPOCHS * pictures / batch))
    return max(1, steps)


def _shorten(spec: Network, width: int = 300) -> str:
    return spec.text if len(spec.text) <= width else spec.text[: width - 1] + "…"


def _describe(prepared: Prepared) -> str:
    sides = ", ".join(f"{count:,} {side}" for side, count in prepared.split.counts().items())
    classes = prepared.classes
    shown = ", ".join(classes[:8]) + (", …" if len(classes) > 8 else "")
    made = "decoded" if prepared.store.built else "already decoded"
    return (
        f"pictures: {len(prepared.catalog):,} ({sides}) of {len(classes)} classes: {shown}; {made}"
    )


def _new_folder(pictures: str | Path, out: str | Path | None) -> Path:
    if out is not None:
        folder = Path(out)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
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
