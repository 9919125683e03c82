"""Translation: twins with and without shifts, and a detector's own answers, measured."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from functools import partial
from typing import Any

import torch

from ....network.build import build
from ....network.layers import Full, Local
from ....network.spec import Network
from ..notebook import Notebook
from ..trials import Splits, Trial, accuracy, train_trial, untrained
from ..twins import blurred, twin
from .equivariance import Equivariance, equivariance
from .invariance import Invariance, Pixels, Predict, invariance, predictor

PICTURES = 300
"""Held-out pictures that are shifted."""
UNTRAINED, PLAIN, SHIFT = "untrained", "none", "shift"
"""Not at all, without augmentation, with shifts of up to an eighth of the side."""
CONV, SMOOTH, LOCAL, DENSE = "convolutional", "convolutional, anti-aliased", "local", "dense"


@dataclass(frozen=True)
class TwinResult:
    """One kind of network with one training: held-out accuracy, and what shifts do.

    The figures of shifts are those of `Invariance`.
    """

    kind: str
    training: str
    _: KW_ONLY
    accuracy: float
    pictures: int
    kept: dict[int, float]
    change: dict[int, float]
    consistency: float

    @classmethod
    def of(cls, kind: str, training: str, *, accuracy: float, shifts: Invariance) -> "TwinResult":
        """With the figures of shifts."""
        return cls(kind, training, accuracy=accuracy, **vars(shifts))

    @classmethod
    def read(cls, kind: str, training: str, accuracy: float, **shifts: Any) -> "TwinResult":
        """From its fields in JSON."""
        return cls.of(kind, training, accuracy=accuracy, shifts=Invariance.read(**shifts))


@dataclass(frozen=True)
class Subject:
    """A detector by name, what predicts with it, and pictures [N, S, S, 3] that are new to it."""

    predict: Predict
    pictures: Pixels
    name: str


@dataclass(frozen=True)
class Translation:
    """All that was measured; `twins` is empty and `detector` None where there were no pictures."""

    conv: Network
    layers: Sequence[Equivariance]
    _: KW_ONLY
    twins: Sequence[TwinResult] = ()
    detector: Invariance | None = None
    detector_size: int = 0

    def as_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        data: dict[str, Any] = {"equivariance": [vars(layer) for layer in self.layers]}
        if self.twins:
            data["twins"] = [asdict(result) for result in self.twins]
        if self.detector is not None:
            data["detector"] = asdict(self.detector)
        return data


def measure(
    notebook: Notebook | None,
    conv: Network,
    *,
    splits: Splits | None = None,
    detector: Subject | None = None,
    seed: int = 0,
) -> Translation:
    """How maps move with the picture, and what shifts do to twins and to a detector.

    Without a notebook, only a network with random parameters is measured.
    """
    random = torch.Generator().manual_seed(seed)
    pixels = torch.rand(2, 3, conv.size, conv.size, generator=random)
    translation = Translation(conv, equivariance(build(conv, seed), pixels))
    if notebook is not None and splits is not None:
        twins = measure_twins(notebook, splits, conv=conv, seed=seed)
        translation = replace(translation, twins=twins)
    if notebook is not None and detector is not None:
        translation = replace(
            translation,
            detector=measure_detector(notebook, detector),
            detector_size=detector.pictures.shape[1],
        )
    return translation


def kinds(conv: Network) -> dict[str, str]:
    """The networks compared, as lines."""
    return {
        CONV: conv.text,
        SMOOTH: blurred(conv).text,
        LOCAL: twin(conv, Local).text,
        DENSE: twin(conv, Full).text,
    }


def measure_twins(
    notebook: Notebook, splits: Splits, *, conv: Network, seed: int
) -> list[TwinResult]:
    """Every kind with every training."""
    steps = min(1500, max(150, 20 * len(splits.train) // 64))
    trials = [
        Trial(line, conv.size, steps=steps, augment=training, seed=seed, kind=kind)
        for kind, line in kinds(conv).items()
        for training in (UNTRAINED, PLAIN, SHIFT)
    ]
    results = []
    for trial in trials:
        make = partial(_train, splits, trial)
        results.append(notebook.recall("translation", trial, read=TwinResult.read, make=make))
        notebook.progress("translation", len(results), len(trials))
    return results


def _train(splits: Splits, trial: Trial) -> TwinResult:
    if trial.augment == UNTRAINED:
        module = untrained(replace(trial, augment="none"), splits.train)
    else:
        module = train_trial(trial, splits.train, val=splits.val).module
    pictures = splits.test.pixels[splits.test.rows[:PICTURES]]
    return TwinResult.of(
        trial.kind,
        trial.augment,
        accuracy=accuracy(module, splits.test),
        shifts=invariance(predictor(module), pictures),
    )


def measure_detector(notebook: Notebook, detector: Subject) -> Invariance:
    """What shifts do to a detector's answers."""
    progress: Callable[[int, int], None] = partial(notebook.progress, "shifting pictures")
    return notebook.recall(
        "invariance",
        [detector.name, len(detector.pictures)],
        read=Invariance.read,
        make=partial(
            invariance,
            detector.predict,
            detector.pictures,
            shifts=(1, 2, 4, 8),
            progress=progress,
        ),
    )
