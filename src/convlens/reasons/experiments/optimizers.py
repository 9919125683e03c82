"""Which optimizer lowers J fastest, each at its own tuned learning rate."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from functools import partial
from math import inf
from statistics import mean

import numpy as np

from ...drawing.charts import paths
from ...engine.optimizers import LEARNING_RATES
from ...network.spec import Network
from ..section import HOLDS, NOT, Claim, Figure, Section, Table
from .notebook import Notebook
from .trials import Splits, Trial, train_trial

OPTIMIZERS = ("gd", "momentum", "rmsprop", "adam", "muon")
STEP = 3.0
"""Between the rates tried, from an optimizer's usual one up and down until J rises."""
SEEDS = 3


@dataclass(frozen=True)
class Descent:
    """J on training pictures over the steps and seconds of one training, to its last step."""

    rate: float | None
    cost_val: float
    _: KW_ONLY
    steps: list[float]
    seconds: list[float]
    cost_train: list[float]


@dataclass(frozen=True)
class MeanDescent:
    """Means over the seeds of one optimizer's trainings."""

    rate: float | None
    cost_val: float
    _: KW_ONLY
    seeds: int
    steps: list[float]
    seconds: list[float]
    cost_train: list[float]

    @classmethod
    def of(cls, descents: Sequence[Descent]) -> "MeanDescent":
        """The means."""

        def over(series: list[list[float]]) -> list[float]:
            return [float(np.mean(values)) for values in zip(*series, strict=True)]

        return cls(
            descents[0].rate,
            mean(descent.cost_val for descent in descents),
            seeds=len(descents),
            steps=over([descent.steps for descent in descents]),
            seconds=over([descent.seconds for descent in descents]),
            cost_train=over([descent.cost_train for descent in descents]),
        )


def descend(splits: Splits, trial: Trial) -> Descent:
    """One training, without ending early."""
    trained = train_trial(trial, splits.train, val=splits.val, patience=trial.steps)
    measured = [
        (m.step, m.seconds, m.cost_train) for m in trained.history if m.cost_train is not None
    ]
    steps, seconds, losses = (list(series) for series in zip(*measured, strict=True))
    return Descent(
        trial.learning_rate, trained.loss_val, steps=steps, seconds=seconds, cost_train=losses
    )


def best_rate(notebook: Notebook, splits: Splits, *, trial: Trial) -> Trial:
    """The trial at the rate with the lowest J on validation pictures: up and down until it rises.

    The search ends early where time is over.
    """
    rates = [LEARNING_RATES[trial.optimizer]]
    losses: dict[float, float] = {}
    while rates:
        for rate in rates:
            tried = replace(trial, learning_rate=rate)
            recall = notebook.recall_in_time if losses else notebook.recall
            make = partial(descend, splits, tried)
            descent = recall("optimizers", tried, read=Descent, make=make)
            losses[rate] = inf if descent is None else descent.cost_val
        best = min(losses, key=losses.__getitem__)
        rates = [rate for rate in (best / STEP, best * STEP) if rate not in losses]
    return replace(trial, learning_rate=best)


def measure(
    notebook: Notebook, splits: Splits, *, conv: Network, steps: int, seed: int
) -> dict[str, list[Descent]]:
    """Each optimizer at its best rate, with several seeds as far as there is time."""
    descents: dict[str, list[Descent]] = {}
    for number, name in enumerate(OPTIMIZERS, 1):
        trial = Trial(conv.text, conv.size, steps=steps, optimizer=name, seed=seed, kind=name)
        best = best_rate(notebook, splits, trial=trial)
        for turn in range(SEEDS):
            seeded = replace(best, seed=seed + turn)
            recall = notebook.recall_in_time if turn else notebook.recall
            make = partial(descend, splits, seeded)
            descent = recall("optimizers", seeded, read=Descent, make=make)
            if descent is not None:
                descents.setdefault(name, []).append(descent)
        notebook.progress("optimizers", number, len(OPTIMIZERS))
    return descents


def steps_for(count: int) -> int:
    """Updates of the parameters for so many examples."""
    return min(1000, max(150, 20 * count // 64))


def section(descents: Mapping[str, Sequence[Descent]], steps: int) -> Section:
    """J against steps and against seconds."""
    means = {name: MeanDescent.of(of_seeds) for name, of_seeds in descents.items()}
    lowered = all(descent.cost_train[-1] < descent.cost_train[0] for descent in means.values())
    claim = Claim(
        "Gradient descent, momentum, RMSProp or another optimizer lowers J",
        "; ".join(
            f"{name} {descent.cost_train[0]:.3f} to {descent.cost_train[-1]:.3f}"
            for name, descent in means.items()
        ),
        verdict=HOLDS if lowered else NOT,
        rule="holds where J on training pictures is lower at the end than at the first "
        "measurement, for all of them",
    )
    by_steps = {name: (descent.steps, descent.cost_train) for name, descent in means.items()}
    by_seconds = {name: (descent.seconds, descent.cost_train) for name, descent in means.items()}
    return Section(
        "efficiency",
        "Which is more efficient",
        claims=[claim],
        tables=[_table(means, steps)],
        figures=[
            Figure(
                f"J over the {what}, each at its own tuned rate.",
                paths(lines, label, y_label="training J (nats)"),
            )
            for what, label, lines in (
                ("steps", "step", by_steps),
                ("seconds", "seconds", by_seconds),
            )
        ],
        data={
            "optimizers": {
                name: [asdict(descent) for descent in of_seeds]
                for name, of_seeds in descents.items()
            }
        },
    )


def _table(means: Mapping[str, MeanDescent], steps: int) -> Table:
    return Table(
        f"One network, {steps} steps of 64 pictures, each optimizer at its own tuned rate",
        ["optimizer", "rate", "seeds", "J at the end", "lowest validation J", "seconds"],
        rows=[
            [
                name,
                f"{descent.rate:.2g}",
                str(descent.seeds),
                f"{descent.cost_train[-1]:.3f}",
                f"{descent.cost_val:.3f}",
                f"{descent.seconds[-1]:.1f}",
            ]
            for name, descent in means.items()
        ],
    )
