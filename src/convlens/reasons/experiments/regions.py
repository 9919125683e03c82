"""Sharing where regions differ: pictures placed in one quarter of a canvas tinted by quarters.

"Top left and bottom right may differ in distribution, and sharing still works": each quarter of
the canvas has a brightness and a colour of its own, and each picture stands in one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt

from ...dataset.examples import Examples
from ...network.layers import Local
from ...network.spec import Network
from ..section import Claim, Section, Table, verdict
from .notebook import Notebook
from .trials import Splits, Trial, accuracy, drawn, train_trial
from .twins import twin

TINTS = np.array([(1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (1.0, 0.6, 0.4), (0.4, 0.6, 1.0)])
"""What the channels are multiplied by: top left, top right, bottom left, bottom right."""
PICTURES, STEPS = 2400, 500
"""At most so many pictures of each split, and steps: the local twin of a canvas is slow."""
ALL, QUARTERS = "all", ("top left", "top right", "bottom left", "bottom right")


@dataclass(frozen=True)
class ByQuarter:
    """Held-out accuracy of one training, by quarter and of all."""

    accuracy: dict[str, float]


@dataclass(frozen=True)
class Regions:
    """The trainings of the convolutional network and of its local twin, one for each seed."""

    size: int
    trainings: Mapping[str, Sequence[ByQuarter]]

    def means(self) -> dict[str, dict[str, float]]:
        """Mean accuracy over the seeds, by kind of network and quarter."""
        return {
            kind: {
                name: mean(training.accuracy[name] for training in trainings)
                for name in (ALL, *QUARTERS)
                if all(name in training.accuracy for training in trainings)
            }
            for kind, trainings in self.trainings.items()
        }


def placed(examples: Examples, seed: int) -> tuple[Examples, npt.NDArray[np.int64]]:
    """Each picture [S, S, 3] at half its size, S even, in a quarter of a canvas [S, S, 3].

    The second value is the quarter [N] of each, 0 to 3.
    """
    whole = examples.pixels[examples.rows]
    half = whole.shape[1] // 2
    pixels = whole.reshape(len(whole), half, 2, half, 2, 3).mean((2, 4))
    quarters = np.random.default_rng(seed).integers(0, 4, len(pixels))
    canvas = np.empty((len(pixels), 2 * half, 2 * half, 3), np.uint8)
    for quarter, tint in enumerate(TINTS):
        down, right = divmod(quarter, 2)
        region = canvas[:, down * half : (down + 1) * half, right * half : (right + 1) * half]
        region[:] = 128 * tint
        inside = quarters == quarter
        region[inside] = pixels[inside] * tint
    return Examples(
        canvas, np.arange(len(canvas)), labels=examples.labels, classes=examples.classes
    ), quarters


def measure(
    notebook: Notebook, splits: Splits, *, conv: Network, seeds: Sequence[int] = (0,)
) -> Regions:
    """Train the network and its local twin on pictures in quarters, with each seed."""
    splits = Splits(*(drawn(split, PICTURES, seed=seeds[0]) for split in splits))
    trial = Trial("", conv.size, steps=min(STEPS, max(150, 20 * len(splits.train) // 64)))
    trainings: dict[str, list[ByQuarter]] = {}
    for kind, line in (("convolutional", conv.text), ("local", twin(conv, Local).text)):
        trainings[kind] = []
        for seed in seeds:
            seeded = replace(trial, line=line, seed=seed, kind=kind)
            make = partial(_train, splits, seeded)
            training = notebook.recall("regions", seeded, read=ByQuarter, make=make)
            trainings[kind].append(training)
            notebook.progress("regions", len(trainings), 2)
    return Regions(conv.size, trainings)


def _train(splits: Splits, trial: Trial) -> ByQuarter:
    (train, _), (val, _), (test, quarters) = (
        placed(split, seed) for seed, split in enumerate(splits)
    )
    module = train_trial(trial, train, val=val).module
    by_quarter = {
        name: accuracy(module, test.take(np.where(quarters == quarter)[0]))
        for quarter, name in enumerate(QUARTERS)
        if (quarters == quarter).any()
    }
    return ByQuarter({ALL: accuracy(module, test), **by_quarter})


def section(regions: Regions) -> Section:
    """Accuracy by quarter, convolutional against local."""
    means, names = regions.means(), (ALL, *QUARTERS)
    conv, local = (100 * means[kind][ALL] for kind in ("convolutional", "local"))
    claim = Claim(
        "Top left and bottom right may differ in distribution, and sharing still works",
        f"each quarter with its own brightness and colour: convolutional {conv:.1f} %, "
        f"local {local:.1f} %",
        *verdict(conv - local, 0, nearly=-2, unit=" points more than the local network"),
    )
    table = Table(
        f"Held-out accuracy (%) by the quarter of a {regions.size}×{regions.size} canvas in which "
        "the picture stands",
        ["network", *names],
        rows=[
            [
                kind,
                *(f"{100 * accuracies[name]:.1f}" if name in accuracies else "" for name in names),
            ]
            for kind, accuracies in means.items()
        ],
    )
    runs: dict[str, Any] = {
        kind: [training.accuracy for training in trainings]
        for kind, trainings in regions.trainings.items()
    }
    return Section(
        "regions",
        "Sharing where regions differ",
        claims=[claim],
        tables=[table],
        data={"runs": runs},
    )
