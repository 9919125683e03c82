"""Learning curves of networks with and without sharing, and controls: the measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from statistics import mean

import numpy as np

from ....dataset.examples import Examples
from ....network.layers import Full, Local
from ....network.spec import Network
from ..notebook import Notebook
from ..trials import Splits, Trial, accuracy, drawn, train_trial
from ..twins import narrow_dense, twin
from .results import (
    CONV,
    DENSE,
    LOCAL,
    NARROW,
    PERMUTED,
    SHUFFLED,
    Control,
    Learning,
    Training,
    half_interval,
)

RATES = (0.0003, 0.001, 0.003)
"""Adam's learning rates that each kind of network chooses from, on validation pictures."""
SMALLEST, TUNING = 25, 400
"""Examples with which a curve begins, and with which learning rates are chosen."""
SHUFFLES = 3
"""Ways in which the labels are dealt out anew."""


def measure(notebook: Notebook, splits: Splits, *, conv: Network, seeds: Sequence[int]) -> Learning:
    """Tune every kind's learning rate, then measure the controls and the curves."""
    trials = tuned(notebook, splits, conv=conv, seed=seeds[0])
    controls = measure_controls(notebook, splits, trials=trials, first=seeds[0])
    trainings = measure_curves(notebook, splits, trials=trials, seeds=seeds)
    return Learning(
        conv,
        kinds(conv),
        trainings=trainings,
        controls=controls,
        chance=float(np.bincount(splits.test.labels).max() / len(splits.test)),
        test_examples=len(splits.test),
    )


def kinds(conv: Network) -> dict[str, str]:
    """The networks compared, as lines: of matched depth and outputs, and one of few weights."""
    return {
        CONV: conv.text,
        LOCAL: twin(conv, Local).text,
        DENSE: twin(conv, Full).text,
        NARROW: narrow_dense(conv),
    }


def curve_counts(most: int) -> list[int]:
    """25, 50, 100, ... and all of them."""
    counts = []
    count = SMALLEST
    while count < most:
        counts.append(count)
        count *= 2
    return [*counts, most]


def permuted(examples: Examples, seed: int) -> Examples:
    """The same pictures with one fixed permutation of their pixels."""
    pixels = examples.pixels[examples.rows]
    order = np.random.default_rng(seed).permutation(pixels.shape[1] * pixels.shape[2])
    mixed = pixels.reshape(len(pixels), -1, 3)[:, order].reshape(pixels.shape)
    return Examples(mixed, np.arange(len(mixed)), labels=examples.labels, classes=examples.classes)


def shuffled(examples: Examples, seed: int) -> Examples:
    """The same pictures with labels dealt out anew."""
    labels = np.random.default_rng(seed).permutation(examples.labels)
    return replace(examples, labels=labels)


def steps_for(count: int) -> int:
    """Updates of the parameters for so many examples; validation can end training earlier."""
    return min(1500, max(100, 20 * count // 64))


def train_once(splits: Splits, trial: Trial, *, count: int, control: str = "") -> Training:
    """Train on `count` examples, as they are or under a control, and measure."""
    train, val, test = splits.train, splits.val, splits.test
    if control == PERMUTED:
        train, val, test = (permuted(split, 99) for split in (train, val, test))
    learnt = drawn(train, count, seed=trial.seed)
    if control == SHUFFLED:
        learnt, val = shuffled(learnt, 98 + 2 * trial.seed), shuffled(val, 97 + 2 * trial.seed)
    trained = train_trial(trial, learnt, val=val)
    return Training(
        trial.kind,
        count,
        seed=trial.seed,
        held_out=accuracy(trained.module, test),
        training=accuracy(trained.module, learnt.take(np.arange(min(len(learnt), 1000)))),
        cost_val=trained.loss_val,
        seconds=trained.seconds,
    )


def tuned(notebook: Notebook, splits: Splits, *, conv: Network, seed: int) -> dict[str, Trial]:
    """Every kind at the rate with the lowest J on validation pictures, of `TUNING` examples."""
    count = min(TUNING, len(splits.train))
    trials: dict[str, Trial] = {}
    for kind, line in kinds(conv).items():
        losses: dict[Trial, float] = {}
        for rate in RATES:
            steps = steps_for(count)
            trial = Trial(line, conv.size, seed=seed, steps=steps, learning_rate=rate, kind=kind)
            make = partial(train_once, splits, trial, count=count)
            training = notebook.recall("learning", [trial, count, ""], read=Training, make=make)
            losses[trial] = training.cost_val
        trials[kind] = min(losses, key=losses.__getitem__)
        notebook.progress("learning rates", len(trials), len(kinds(conv)))
    return trials


def measure_curves(
    notebook: Notebook, splits: Splits, *, trials: Mapping[str, Trial], seeds: Sequence[int]
) -> list[Training]:
    """Every kind at every number of examples with every seed, as far as time allows.

    The first seed's curve is always whole. Seeds go round last, so that a short time gives a whole
    curve of few seeds.
    """
    counts = curve_counts(len(splits.train))
    trainings: list[Training] = []
    total = len(seeds) * len(counts) * len(trials)
    for done, (seed, count, kind) in enumerate(product(seeds, counts, trials), 1):
        trial = replace(trials[kind], seed=seed, steps=steps_for(count))
        make = partial(train_once, splits, trial, count=count)
        recall = notebook.recall if seed == seeds[0] else notebook.recall_in_time
        training = recall("learning", [trial, count, ""], read=Training, make=make)
        if training is not None:
            trainings.append(training)
        notebook.progress("learning curves", done, total)
    return trainings


def measure_controls(
    notebook: Notebook, splits: Splits, *, trials: Mapping[str, Trial], first: int
) -> dict[str, Control]:
    """The controls of the convolutional and of the dense network, with all examples.

    `first` is their seed, or the first one where they are repeated.
    """
    count = len(splits.train)
    controls: dict[str, Control] = {}
    for kind in (CONV, DENSE):
        trial = replace(trials[kind], steps=steps_for(count))

        def held_out(control: str, seed: int = first, *, trial: Trial = trial) -> float:
            seeded = replace(trial, seed=seed)
            make = partial(train_once, splits, seeded, count=count, control=control)
            key = [seeded, count, control]
            return notebook.recall("learning", key, read=Training, make=make).held_out

        by_shuffle = [held_out(SHUFFLED, seed) for seed in range(first, first + SHUFFLES)]
        controls[kind] = Control(
            held_out(""),
            held_out(PERMUTED),
            shuffled=mean(by_shuffle),
            half_interval=half_interval(by_shuffle),
        )
        notebook.progress("controls", len(controls), 2)
    return controls
