"""Networks that were measured on the same pictures: which differ, and which one to take."""

import shlex
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..drawing.charts import save_scatter
from ..files import given_path
from ..html_table import html_list, html_table
from ..network.spec import PREFIX
from ..tasks.intervals import mcnemar

SIGNIFICANT = 0.05
"""Below this p two networks are said to differ."""

Right = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MeasuredNetwork:
    """A backbone under a linear head, on pictures that the head did not learn from.

    `network` and `weights` are as `train` takes them, `size` is the side of its pictures in pixels.
    Shares and `loss` (the mean cross-entropy in nats) are out-of-fold. `milliseconds` is the median
    of the detector file for one decoded picture on one core, `megabytes` the file's size, and
    `multiplications` its own, with those for the mirror image. `only_this` and `only_best` count
    pictures that only this network, or only the most accurate one, gets right; `p` is McNemar's
    exact test of them, None for the most accurate network itself.
    """

    network: str
    weights: str
    _: KW_ONLY
    size: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    balanced_accuracy: float
    loss: float
    milliseconds: float
    megabytes: float
    parameters: int
    multiplications: int
    only_this: int = 0
    only_best: int = 0
    p: float | None = None

    @property
    def name(self) -> str:
        """What it is called beside others, and where its parameters are from if not installed."""
        source = "" if self.weights == "package" else f" ({Path(self.weights).name})"
        return self.network.removeprefix(PREFIX) + source


@dataclass(frozen=True)
class NetworkComparison:
    """Networks on the same pictures, the most accurate first.

    `pictures` are those judged, of `classes`. `not_measured` has a reason for each network that
    could not be; with `finished` False, Ctrl-C came before others. `source` and `group` are where
    the pictures are, and what keeps some together, as they were given.
    """

    source: str
    pictures: int
    _: KW_ONLY
    group: str | None = None
    classes: tuple[str, ...]
    networks: tuple[MeasuredNetwork, ...]
    not_measured: dict[str, str]
    finished: bool

    @property
    def take(self) -> MeasuredNetwork:
        """The fastest of those that cannot be told from the most accurate one."""
        alike = [one for one in self.networks if one.p is None or one.p >= SIGNIFICANT]
        return min(alike, key=lambda one: one.milliseconds)

    @property
    def message(self) -> str:
        """What the measurement says, in a sentence."""
        best, taken = self.networks[0], self.take
        if taken != best:
            times = best.milliseconds / taken.milliseconds
            return (
                f"{taken.name} is {times:.1f} times as fast as {best.name}, and cannot be told "
                "from it in accuracy"
            )
        if len(self.networks) == 1:
            return f"{best.name} is the only one that was measured"
        if all(one.milliseconds >= best.milliseconds for one in self.networks):
            return f"{best.name} is the fastest, and no other is more accurate"
        return f"{best.name} is more accurate than any that is faster"

    def train_command(self) -> str:
        """The command that trains a detector with the network to take."""
        words = ["convlens", "train", self.source, "--network", self.take.network]
        if self.take.weights != "package":
            words += ["--weights", self.take.weights]
        if self.group is not None:
            words += ["--group", self.group]
        return shlex.join([*words, "--size", str(self.take.size)])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The headings and the rows of a table of the networks."""
        heads = ["network", "pixels", "accuracy", "95 % interval", "loss", "ms/picture"]
        heads += ["parameters", "multiplications", "MB", "only this right", "only the first", "p"]
        rows = [
            [
                one.name,
                f"{one.size}",
                f"{one.accuracy:.2%}",
                f"{one.accuracy_interval[0]:.1%} to {one.accuracy_interval[1]:.1%}",
                f"{one.loss:.4f}",
                f"{one.milliseconds:.1f}",
                f"{one.parameters:,}",
                f"{one.multiplications:,}",
                f"{one.megabytes:.1f}",
                "" if one.p is None else f"{one.only_this:,}",
                "" if one.p is None else f"{one.only_best:,}",
                "" if one.p is None else f"{one.p:.2g}",
            ]
            for one in self.networks
        ]
        return heads, rows

    def _repr_html_(self) -> str:
        """For notebooks: the table, and what it says."""
        missing = [f"{name} is not measured: {why}" for name, why in self.not_measured.items()]
        return html_table(*self.table()) + html_list([self.message, *missing])

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        said = {"message": self.message, "train_command": self.train_command()}
        return asdict(self) | said

    def save_chart(self, path: str | Path) -> None:
        """Write accuracy against time, with intervals, as SVG or PNG by the file's name.

        Raises `UsageError` for another ending, `ConvlensError` where it cannot be written.
        """
        save_scatter(
            given_path(path),
            {one.name: (one.milliseconds, 100 * one.accuracy) for one in self.networks},
            x_label="time per picture on one core of this machine (ms)",
            y_label="accuracy (%), with 95 % interval",
            title=self.message,
            intervals={
                one.name: (100 * one.accuracy_interval[0], 100 * one.accuracy_interval[1])
                for one in self.networks
            },
        )


def ranked(measured: Mapping[MeasuredNetwork, Right]) -> tuple[MeasuredNetwork, ...]:
    """The most accurate first, and each other one tested against it, picture by picture.

    `measured` has for each network which pictures [N] it answers rightly, the same ones for all.
    """
    ordered = sorted(measured, key=lambda one: (-one.accuracy, one.milliseconds))
    best = measured[ordered[0]]
    out = [ordered[0]]
    for one in ordered[1:]:
        only_this = int((measured[one] & ~best).sum())
        only_best = int((best & ~measured[one]).sum())
        p = mcnemar(only_this, only_best)
        out.append(replace(one, only_this=only_this, only_best=only_best, p=p))
    return tuple(out)
