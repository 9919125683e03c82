"""Answers to every picture, each by a network that did not learn from it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ...detector.detector import Detector
from ...engine.callbacks import NullCallback
from ...engine.compute.execution import Execution
from ...engine.distributed import SINGLE_PROCESS
from ...errors import ConvlensError
from ...options import EXECUTION_CONFIGS, BudgetOptions, TrainOptions
from ...pictures.splits import Split
from ...progress import Progress
from ...stopwatch import Stopwatch
from ...tasks.boxes.matching import Answers, Truth
from ...tasks.boxes.prediction import BoxPrediction
from ...transfer.head import folds
from .calibration import Calibration, fit_calibration
from .dataset import BoxDataset, prepare_boxes
from .finish import answers_to, calibrated, graph_of
from .job import BoxJob, check_options
from .learning import (
    affordable_pixels,
    begin,
    make_loop,
    pace,
    usual_minutes,
)

FOLDS = 3


def answer_crosswise(
    pictures: str | Path, options: TrainOptions, *, count: int = FOLDS, progress: Progress
) -> Answers:
    """Train a network for each of `count` folds, on the others, and answer its pictures by it.

    Together they take the time that one training takes. Copies, near duplicates and groups are in
    one fold.

    Returns:
        What is said of each picture beside what is there, in order of their catalog, with scores
        calibrated by all answers together.

    Raises:
        ConvlensError: There are no boxes, or too little is left of them.
        UsageError: An option says nothing about boxes.
    """
    check_options(options)
    whole = replace(options.data, test_fraction=0.0, val_fraction=0.0)
    dataset = _undivided(pictures, replace(options, data=whole), count, progress=progress)
    fold_of = _folds(dataset, seed=whole.seed, count=count)
    parts = max(fold_of) + 1
    if parts < 2:
        raise ConvlensError(f"all pictures in {pictures} are copies or of one group")
    budget = _share_of(options.budget, len(dataset.catalog), parts)
    options = replace(options, data=whole, budget=budget)
    without = [_without(dataset, fold_of, fold) for fold in range(parts)]
    if not all(any(part.subset("train").counts(crowds=False).values()) for part in without):
        raise ConvlensError(
            f"all objects in {pictures} are in copies of one picture or in one group, so no "
            "network could learn from some and be asked about others"
        )
    rows: list[int] = []
    answers: list[tuple[Truth, BoxPrediction]] = []
    for fold, part in enumerate(without):
        job = BoxJob(
            part,
            options,
            workers=SINGLE_PROCESS,
            callback=_Told(progress, f"training {fold + 1} of {parts}"),
            stopwatch=Stopwatch(),
        )
        rows += part.split.rows("test")
        answers += _answer_fold(job)
    order = np.argsort(rows, kind="stable")
    calibration = fit_calibration(answers)
    return calibrated([answers[place] for place in order], calibration)


def _folds(dataset: BoxDataset, *, seed: int, count: int) -> list[int]:
    """A fold for each picture, by the rarest class in it; groups stay whole."""
    counts = dataset.catalog.counts().values()  # in the order of the classes
    rarity = np.argsort(np.argsort(list(counts), kind="stable"))
    rarest = [int(rarity[b.labels].min(initial=len(rarity))) for b in dataset.catalog.boxes]
    groups = torch.tensor(dataset.split.groups)
    own: list[int] = folds(torch.tensor(rarest), groups, seed=seed, count=count).tolist()
    return own


def _without(dataset: BoxDataset, fold_of: list[int], fold: int) -> BoxDataset:
    """To learn all but one fold from, which is its `test`."""
    assigned = tuple("test" if own == fold else "train" for own in fold_of)
    return replace(dataset, split=Split(assigned, dataset.split.groups))


def _undivided(
    pictures: str | Path, options: TrainOptions, count: int, *, progress: Progress
) -> BoxDataset:
    """All pictures in `train`, whatever splits the data names; of copies in two splits, each."""
    affordable = affordable_pixels(options, SINGLE_PROCESS)
    dataset = prepare_boxes(
        pictures,
        options.data,
        progress=progress,
        affordable=affordable and (lambda learnt: affordable(learnt) / count),
    )
    everything = ("train",) * len(dataset.catalog)
    counts = dataset.catalog.counts(crowds=False)
    classes = tuple(name for name in dataset.catalog.classes if counts[name])
    return replace(dataset, split=Split(everything, dataset.split.groups), classes=classes)


def _share_of(budget: BudgetOptions, pictures: int, parts: int) -> BudgetOptions:
    if not budget.by_time:
        return budget
    whole = budget.minutes or usual_minutes(pictures)
    return replace(budget, minutes=whole / parts)


def _answer_fold(job: BoxJob) -> Answers:
    plan, network = begin(job)
    execution = Execution(EXECUTION_CONFIGS[plan.compute], plan.threads)
    revise = pace(job, plan, record=lambda _: None)
    loop = make_loop(job, plan, network=network, execution=execution, revise=revise)
    loop.run(callbacks=[job.callback])
    loop.module.load_state_dict(loop.best)
    graph = graph_of(network.cpu(), plan, job.dataset)
    return answers_to(job, Detector(graph.file(Calibration(), {})), name="test")


class _Told(NullCallback):
    """Tells of steps as of any long work."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress, self._what = progress, what

    def step(self, done: int, steps: int, pictures_per_second: float, seconds_left: float) -> None:
        """A step of one of the trainings."""
        self._progress(self._what, done, steps)
