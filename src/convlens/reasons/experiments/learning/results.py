"""Learning curves of networks with and without sharing, and controls: the results."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from statistics import mean
from typing import Any

import numpy as np

from ....network.spec import Network

CONV, LOCAL, DENSE, NARROW = "convolutional", "local", "dense", "dense, as few parameters"
PERMUTED, SHUFFLED = "permuted pixels", "shuffled labels"


@dataclass(frozen=True)
class Training:
    """One training on so many examples: held-out and training accuracy, 0 to 1."""

    kind: str
    examples: int
    _: KW_ONLY
    seed: int
    held_out: float
    training: float
    cost_val: float
    seconds: float


@dataclass(frozen=True)
class Control:
    """Held-out accuracy with all examples, with one permutation of pixels, with shuffled labels.

    Of the latter, the mean over several ways to shuffle, and half of its 95 % interval: pictures
    that look alike are answered alike, so one way can be right or wrong about many by luck.
    """

    unchanged: float
    permuted: float
    _: KW_ONLY
    shuffled: float
    half_interval: float

    @property
    def lost(self) -> float:
        """How much accuracy the permutation takes away."""
        return self.unchanged - self.permuted

    def as_json(self) -> dict[str, float]:
        """The figures as plain data."""
        return {
            "as they are": self.unchanged,
            PERMUTED: self.permuted,
            SHUFFLED: self.shuffled,
            "half": self.half_interval,
        }


@dataclass(frozen=True)
class CurvePoint:
    """Means over `seeds` trainings on one number of examples.

    `half_interval` is half of the 95 % interval of the held-out accuracy; `gap` is training
    accuracy less held-out accuracy.
    """

    held_out: float
    half_interval: float
    _: KW_ONLY
    gap: float
    seeds: int


@dataclass(frozen=True)
class Learning:
    """All that was measured. `lines` are the networks by kind; `chance` the commonest class's."""

    conv: Network
    lines: Mapping[str, str]
    _: KW_ONLY
    trainings: Sequence[Training]
    controls: Mapping[str, Control]
    chance: float
    test_examples: int

    def points(self, kind: str) -> dict[int, CurvePoint]:
        """One kind's curve, by number of examples."""
        return curve_points([training for training in self.trainings if training.kind == kind])

    def examples_ratio(self) -> tuple[float, str]:
        """How many times the examples the dense network needs, see `examples_ratio`."""
        conv, dense = (
            {count: point.held_out for count, point in self.points(kind).items()}
            for kind in (CONV, DENSE)
        )
        return examples_ratio(conv, dense)

    def as_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        ratio, bound = self.examples_ratio()
        return {
            "runs": [asdict(training) for training in self.trainings],
            "ratio": ratio,
            "ratio_is": bound,
            "controls": {kind: control.as_json() for kind, control in self.controls.items()},
            "chance": self.chance,
        }


def curve_points(trainings: Sequence[Training]) -> dict[int, CurvePoint]:
    """Means over the seeds of one kind's trainings, by number of examples."""
    points = {}
    for count in sorted({training.examples for training in trainings}):
        seeds = [training for training in trainings if training.examples == count]
        held_out = [training.held_out for training in seeds]
        points[count] = CurvePoint(
            mean(held_out),
            half_interval(held_out),
            gap=mean(training.training - training.held_out for training in seeds),
            seeds=len(seeds),
        )
    return points


def half_interval(values: Sequence[float]) -> float:
    """Half of Student's 95 % interval for their mean; 0 for a single one."""
    if len(values) < 2:
        return 0.0
    from scipy.stats import t

    deviation = float(np.std(values, ddof=1))
    return float(t.ppf(0.975, len(values) - 1) * deviation / len(values) ** 0.5)


MORE, LESS = "more than", "less than"


def examples_ratio(conv: Mapping[int, float], dense: Mapping[int, float]) -> tuple[float, str]:
    """How many times the examples the dense network needs, and whether that is a bound.

    It is `MORE` than so many times where the convolutional network is as good with the fewest
    examples already, `LESS` where it never is, and else exactly that, told by an empty text.

    The dense network's best accuracy is compared with the fewest examples (log-linear between
    those measured) with which the convolutional network comes to it.

    Args:
        conv: Held-out accuracy of the convolutional network, by number of examples.
        dense: The same of the dense network.
    """
    most = max(dense, key=dense.__getitem__)
    wanted = dense[most]
    counts = sorted(conv)
    for below, above in zip([None, *counts], counts, strict=False):
        if conv[above] < wanted:
            continue
        if below is None:
            return most / above, MORE
        share = (wanted - conv[below]) / (conv[above] - conv[below])
        reached = np.exp(np.log(below) + share * (np.log(above) - np.log(below)))
        return float(most / reached), ""
    return most / counts[-1], LESS
