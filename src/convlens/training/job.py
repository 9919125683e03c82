"""What every step of a training needs, as one value: read, divided and checked."""

from collections import Counter
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import torch

from ..dataset.augment import DEFAULT, parse_augmentations
from ..dataset.notes import notes_about
from ..dataset.prepare import Dataset, prepare
from ..dataset.teacher import Teacher
from ..engine.callbacks import Callback
from ..engine.compute.execution import Execution
from ..engine.distributed import SINGLE_PROCESS, Workers
from ..errors import ConvlensError, UsageError
from ..options import EXECUTION_CONFIGS, TrainOptions
from ..stopwatch import Stopwatch
from ..tasks.classification.learning import ClassLearning
from ..tasks.classification.task import Classification
from ..tasks.learning import Objective
from ..transfer.head import FOLDS, fold_count, folds
from ..transfer.linear_probe import MOST
from ..transfer.pretrained import NetworkChoice
from ..transfer.weights import learnt_by_a_run

JUDGED = 10
"""Of the pictures that a fold's network may learn from, one in so many makes its choices."""
FOLDED = 100_000
"""Pictures × classes up to which heads on pretrained features are fitted for every fold; where
there are more, a part that is held out says enough."""


@dataclass(frozen=True)
class Request:
    """What is to be trained.

    A run that was begun has its number of `folds`, the `backbones` that it compared, its
    `threads`, the `fingerprint` of its pictures, and the digest of its `teacher`.
    """

    pictures: str | Path
    options: TrainOptions
    _: KW_ONLY
    choice: NetworkChoice
    folds: int | None = None
    backbones: tuple[str, ...] = ()
    threads: int | None = None
    fingerprint: str | None = None
    teacher: str | None = None


@dataclass(frozen=True)
class Job:
    """The pictures, the options, the processes that share the work, and who hears of it.

    `stopwatch` counts the seconds of each part of the run.
    """

    dataset: Dataset
    options: TrainOptions
    _: KW_ONLY
    workers: Workers
    callback: Callback
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    def on(self, dataset: Dataset) -> "Job":
        """The same on other pictures, or on the same ones split otherwise."""
        return replace(self, dataset=dataset)

    def alone(self) -> "Job":
        """The same in this process only."""
        return replace(self, workers=SINGLE_PROCESS)

    @property
    def task(self) -> Classification:
        """The kind of answer that the pictures are labelled for."""
        return Classification()

    @property
    def learning(self) -> ClassLearning:
        """How such answers are learnt."""
        return ClassLearning()

    def objective(self, *, pretrained: bool) -> Objective:
        """How a network learns the training pictures as they are split."""
        objective = self.learning.objective(
            self.options.loss,
            self.dataset.examples("train").labels,
            classes=len(self.dataset.classes),
            pretrained=pretrained,
        )
        if self.dataset.lessons is None:
            return objective
        return objective.with_teacher(self.options.teacher.temperature)


Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")
OfJob = Callable[Concatenate[Job, Parameters], Value]


def timed(
    part: str, doing: str = ""
) -> Callable[[OfJob[Parameters, Value]], OfJob[Parameters, Value]]:
    """Count what a function of a job takes for this part of the run.

    What it is `doing` stands on the screen until something else does.
    """

    def decorate(function: OfJob[Parameters, Value]) -> OfJob[Parameters, Value]:
        @wraps(function)
        def counted(job: Job, /, *args: Parameters.args, **named: Parameters.kwargs) -> Value:
            with job.stopwatch.part(part):
                if doing:
                    job.callback.progress(doing, 0, 1)
                return function(job, *args, **named)

        return counted

    return decorate


def choose_folds(options: TrainOptions, dataset: Dataset, *, choice: NetworkChoice) -> int:
    """How many folds there will be; 1 where a part is held out. Raises `UsageError`."""
    data, pretrained = options.data, choice.pretrained
    named = set(dataset.catalog.splits) & {"val", "test"}
    one_set = len(set(dataset.split.groups)) == 1
    if data.folds is None:
        divided = (
            dataset.lessons
            or learnt_by_a_run(choice.weights)
            or one_set
            or named
            or data.test_fraction is not None
            or data.val_fraction is not None
        )
        pictures = len(dataset.catalog)
        few = pictures <= MOST and pictures * len(dataset.classes) <= FOLDED
        if not pretrained or not few or divided:
            return 1
        return max(1, _no_more_than_there_are(FOLDS, dataset))
    if data.folds > 1:
        if dataset.lessons:
            raise UsageError("--folds: a --teacher knows what folds leave out: hold a part out")
        if learnt_by_a_run(choice.weights):
            raise UsageError(
                f"--folds: {choice.weights} may have learnt from what folds leave out: hold a part "
                "out, by the --seed of its run"
            )
        if one_set:
            raise UsageError("--folds: all pictures are of one group, or look alike: give others")
        if named:
            raise UsageError("--folds: the data names its held-out pictures already")
        if data.test_fraction or data.val_fraction:
            raise UsageError("--folds judges every picture: hold none out by a fraction")
        if pretrained and len(dataset.catalog) > MOST:
            raise UsageError(
                f"--folds: heads are fitted on the features of {MOST:,} pictures at most, and "
                f"there are {len(dataset.catalog):,}: hold a part out, or take --weights none"
            )
        if _no_more_than_there_are(data.folds, dataset) < 2:
            raise UsageError(
                "--folds: there is one picture of each class, and none could be left out: add some"
            )
        if not pretrained:
            _check_inner_folds(dataset, data.folds, seed=data.seed)
    return _no_more_than_there_are(data.folds, dataset)


def _labels_and_groups(dataset: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Of all pictures that folds would part."""
    examples = dataset.for_training().examples("train")
    return torch.from_numpy(examples.labels), torch.from_numpy(examples.groups)


def _no_more_than_there_are(count: int, dataset: Dataset) -> int:
    """So many folds, or as many as the pictures can be parted into."""
    return min(count, fold_count(*_labels_and_groups(dataset), count))


def _check_inner_folds(dataset: Dataset, count: int, *, seed: int) -> None:
    """Raise a `UsageError` where of what a fold leaves none could be held out to choose by."""
    labels, groups = _labels_and_groups(dataset)
    fold = folds(labels, groups, seed=seed, count=count)
    if any(
        fold_count(labels[fold != k], groups[fold != k], JUDGED) < 2 for k in set(fold.tolist())
    ):
        raise UsageError(
            f"--folds {count}: without one of its parts all pictures would be of one group, or "
            "look alike, or one of each class would be left, and none of them could choose for "
            "it: give more pictures, more groups, or more folds"
        )


def check_request(request: Request) -> None:
    """Raise a `ConvlensError` for what can be known to be wrong before any picture is read."""
    options = request.options
    if options.answer.precision is not None:
        raise UsageError("--precision is for boxes, and these pictures come without any")
    for name in options.given():
        if name in {"milliseconds", "prefer"} and not request.choice.pretrained:
            raise UsageError(
                f"--{name} is for pretrained backbones, and this network begins with random "
                "parameters: leave one of them out"
            )
    parse_augmentations(options.augment.augment or DEFAULT)
    if options.compute.compute != "auto":
        Execution(EXECUTION_CONFIGS[options.compute.compute], 1)  # that there is such a GPU
    request.choice.check(options.data.size)


def prepare_job(
    request: Request, *, workers: Workers, callback: Callback, stopwatch: Stopwatch
) -> Job:
    """The pictures as pixels, divided, and checked; every worker has the same.

    Parameters that are to be fetched come first.

    Raises `ConvlensError` where they do not fit the options, or the run that was begun.
    """
    with stopwatch.part("reading"), workers.local_first():
        request.choice.fetch(request.options.data.size, callback.say)
        dataset = prepare(
            request.pictures,
            request.options.data,
            progress=callback.progress,
            usual_size=request.choice.usual_size,
            teacher=_teacher(request),
        )
    if workers.world_size > 1:
        _check_same(dataset, request, fingerprint=workers.broadcast(dataset.fingerprint))
    job = Job(dataset, request.options, workers=workers, callback=callback, stopwatch=stopwatch)
    if request.folds is None:
        _check_pictures(job, request.choice)
    elif request.fingerprint is not None:
        _check_same(dataset, request, fingerprint=request.fingerprint)
    return job


def _teacher(request: Request) -> Teacher | None:
    """Who is asked besides the labels. Raises `ConvlensError` where it is not the run's."""
    options = request.options.teacher
    if options.teacher is None:
        return None
    teacher = Teacher(options)
    if request.teacher not in {None, teacher.detector.digest}:
        raise ConvlensError(
            f"{options.teacher} is not the teacher that this run began with: bring it back, or "
            "train anew"
        )
    return teacher


def learning_from(job: Job, folds: int) -> Job:
    """With folds every picture is learnt from; without, the training pictures are.

    What is held out with folds is for fine-tuning, whose networks are not made for every fold.
    """
    return job.on(job.dataset.for_training()) if folds > 1 else job


def _check_same(dataset: Dataset, request: Request, *, fingerprint: str) -> None:
    """Raise a `ConvlensError` where they are not the run's, or the first worker's."""
    if dataset.fingerprint() != fingerprint:
        raise ConvlensError(
            f"the pictures in {request.pictures} are not those that this run began with: bring "
            "them back, or train anew"
        )


def _check_pictures(job: Job, choice: NetworkChoice) -> None:
    """Say what the pictures are; raise a `ConvlensError` where they do not fit the options."""
    dataset = job.dataset
    folds = choose_folds(job.options, dataset, choice=choice)
    if folds > 1 and job.workers.world_size > 1 and not choice.pretrained:
        raise UsageError(
            "--folds trains a network for each fold, which is for few pictures: train in one "
            "process, or without --folds"
        )
    held_out = dataset.for_training().subset("train") if folds > 1 else dataset.subset("val")
    job.learning.check_options(
        job.options.answer, dataset.classes, held_out=frozenset(held_out.labels)
    )
    for note in notes_about(dataset, balanced=job.options.balances):
        if note.warn:
            job.callback.warn(f"{note.what}: {note.done}")
    if folds == 1:
        _tell_what_is_not_held_out(job)
    parts = ", ".join(f"{count:,} {name}" for name, count in dataset.split.counts().items())
    classes = ", ".join(dataset.classes[:8]) + (", …" if len(dataset.classes) > 8 else "")
    job.callback.say(
        f"pictures: {len(dataset.catalog):,} ({f'{folds} folds' if folds > 1 else parts}) of "
        f"{len(dataset.classes)} classes: {classes}; "
        f"{'decoded' if dataset.store.built else 'already decoded'}"
    )


def _tell_what_is_not_held_out(job: Job) -> None:
    """Say so, and why, where a split is empty that the data names or that was to be drawn.

    That is known before training, and is why there will be no figures.
    """
    dataset, split = job.dataset, job.dataset.split
    sizes = Counter(split.groups).values()
    test, val = job.options.data.fractions(len(split.assigned))
    for name, share, purpose in (
        ("test", test, "to be judged by, so there will be no figures"),
        ("val", val, "for validation"),
    ):
        named = name in dataset.catalog.splits
        if (not share and not named) or split.rows(name):
            continue
        if named:
            reason = f"all that the data holds out as {name!r} are left out"
        elif max(sizes) == 1:
            reason = (
                f"there are too few, {len(sizes):,} of {len(dataset.classes):,} classes: add some"
            )
        else:
            reason = (
                "sets that stay together (of one group, or that look alike) cannot be divided so; "
                f"there are {len(sizes):,}, the largest of {max(sizes):,} of "
                f"{len(split.groups):,} pictures: give smaller groups, or more"
            )
        job.callback.warn(f"no picture is held out {purpose}: {reason}")
