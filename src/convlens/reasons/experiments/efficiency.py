"""Which architecture, and which optimizer, comes farthest within one budget."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from ...detector.detector import Detector
from ...engine.optimizers import LEARNING_RATES
from ...network.spec import Network
from ...report.charts import paths, scatter
from ...training.train import train
from ..section import HOLDS, NOT, Claim, Figure, Section, Table
from .lab import Notebook, Trial, train_trial
from .learning import Data
from .translation import Pixels

ARCHITECTURES = {
    "dense": "dense 256, norm, dense 64, norm",
    **{name: name for name in ("auto", "lecture", "mobilenet", "efficientnet-lite0", "resnet18")},
}
"""The first two in any case, the others as far as there is time."""
OPTIMIZERS = ("gd", "momentum", "rmsprop", "adam", "muon")
STEP = 3.0
"""Between the rates tried, from an optimizer's usual one up and down until J rises."""
SEEDS = 3


def architectures(
    notebook: Notebook,
    pictures: str | Path,
    *,
    runs: Path,
    size: int,
    minutes: float,
) -> list[dict[str, Any]]:
    """Each one trained from random parameters for so many minutes: its figures and costs."""
    found = []
    for number, (name, line) in enumerate(ARCHITECTURES.items(), 1):

        def make(name: str = name, line: str = line) -> dict[str, Any]:
            folder, number = runs / name, 1
            while folder.exists():
                number += 1
                folder = runs / f"{name}-{number}"
            begun = time.monotonic()
            run = train(pictures, folder, network=line, weights="none", size=size, minutes=minutes)
            seconds = time.monotonic() - begun
            test = run.metrics["test"]
            return {
                "name": name,
                "accuracy": test["accuracy"],
                "interval": test["interval"],
                "n": test["n"],
                "parameters": run.metrics["training"]["parameters"],
                "multiplications": run.metrics["training"]["multiplications"],
                "steps": run.metrics["training"]["steps"],
                "seconds_to_train": seconds,
                "seconds_to_predict": _predict_seconds(Detector(run.detector), size),
            }

        keep = notebook.recall if number <= 2 else notebook.spare
        one = keep("architectures", [line, size, minutes], make=make)
        if one is not None:
            found.append(one)
        notebook.progress("architectures", number, len(ARCHITECTURES))
    return found


def _predict_seconds(detector: Detector, size: int, *, turns: int = 15) -> float:
    """Median seconds for one picture."""
    picture: Pixels = np.zeros((size, size, 3), np.uint8)
    detector.probabilities(picture)
    seconds = []
    for _ in range(turns):
        begun = time.perf_counter()
        detector.probabilities(picture)
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def pareto(found: Sequence[dict[str, Any]], cost: str) -> list[str]:
    """Names of those that no other beats in accuracy without costing more."""
    return [
        one["name"]
        for one in found
        if not any(
            other["accuracy"] >= one["accuracy"]
            and other[cost] <= one[cost]
            and (other["accuracy"], -other[cost]) != (one["accuracy"], -one[cost])
            for other in found
        )
    ]


def optimized(data: Data, trial: Trial) -> dict[str, Any]:
    """J over the steps and seconds of one training, to its last step."""
    done = train_trial(trial, data.train, val=data.val, patience=trial.steps)
    return {
        "rate": trial.learning_rate,
        "cost_val": done.cost,
        "steps": [m.step for m in done.history],
        "seconds": [m.seconds for m in done.history],
        "cost_train": [m.cost_train for m in done.history],
    }


def best_rate(notebook: Notebook, data: Data, *, trial: Trial) -> Trial:
    """The trial at the rate with the lowest J on validation pictures: up and down until it rises.

    The search ends early where time is over.
    """
    rates = [LEARNING_RATES[trial.optimizer]]
    costs: dict[float, float] = {}
    while True:
        for rate in rates:
            if rate not in costs:
                one = replace(trial, learning_rate=rate)
                keep = notebook.spare if costs else notebook.recall
                made = keep("optimizers", one, make=partial(optimized, data, one))
                costs[rate] = made["cost_val"] if made is not None else inf
        best = min(costs, key=costs.__getitem__)
        rates = [rate for rate in (best / STEP, best * STEP) if rate not in costs]
        if not rates:
            return replace(trial, learning_rate=best)


def optimizers(
    notebook: Notebook, data: Data, *, conv: Network, steps: int
) -> dict[str, list[dict[str, Any]]]:
    """Each optimizer at its best rate, with several seeds: J over steps and seconds."""
    found: dict[str, list[dict[str, Any]]] = {}
    for number, name in enumerate(OPTIMIZERS, 1):
        trial = Trial(conv.text, conv.size, steps=steps, optimizer=name, kind=name)
        best = best_rate(notebook, data, trial=trial)
        for seed in range(SEEDS):
            one = replace(best, seed=seed)
            keep = notebook.spare if seed else notebook.recall
            made = keep("optimizers", one, make=partial(optimized, data, one))
            if made is not None:
                found.setdefault(name, []).append(made)
        notebook.progress("optimizers", number, len(OPTIMIZERS))
    return found


def optimizer_section(notebook: Notebook, data: Data, *, conv: Network) -> Section:
    """J against steps and against seconds, each optimizer at its own tuned rate."""
    steps = min(1000, max(150, 20 * len(data.train) // 64))
    found = optimizers(notebook, data, conv=conv, steps=steps)

    def over(name: str, what: str) -> list[float]:
        return [
            float(np.mean(values)) for values in zip(*(r[what] for r in found[name]), strict=True)
        ]

    ends = {name: over(name, "cost_train") for name in found}
    claim = Claim(
        "Gradient descent, momentum, RMSProp or another optimizer lowers J",
        "; ".join(f"{name} {costs[0]:.3f} to {costs[-1]:.3f}" for name, costs in ends.items()),
        verdict=HOLDS if all(costs[-1] < costs[0] for costs in ends.values()) else NOT,
        rule="holds where J on training pictures is lower at the end than at the first "
        "measurement, for all of them",
    )
    table = Table(
        f"One network, {steps} steps of 64 pictures, each optimizer at its own tuned rate",
        ["optimizer", "rate", "seeds", "J at the end", "lowest validation J", "seconds"],
        rows=[
            [
                name,
                f"{runs[0]['rate']:.2g}",
                str(len(runs)),
                f"{ends[name][-1]:.3f}",
                f"{mean(run['cost_val'] for run in runs):.3f}",
                f"{over(name, 'seconds')[-1]:.1f}",
            ]
            for name, runs in found.items()
        ],
    )
    figures = [
        Figure(
            f"J over the {what}, each at its own tuned rate.",
            paths(
                {name: (over(name, what), ends[name]) for name in found},
                label,
                y_label="training J (nats)",
            ),
        )
        for what, label in (("steps", "step"), ("seconds", "seconds"))
    ]
    return Section(
        "efficiency",
        "Which is more efficient",
        claims=[claim],
        tables=[table],
        figures=figures,
        notes=(),
        data={"optimizers": found},
    )


def architecture_section(found: list[dict[str, Any]], size: int, *, minutes: float) -> Section:
    """Accuracy against what an architecture costs."""
    best = max(found, key=lambda one: float(one["accuracy"]))
    dense = next((one for one in found if one["name"] == "dense"), None)
    claims = []
    if dense is not None:
        claims.append(
            Claim(
                "Convolution and pooling layers make the effective detector",
                f"{best['name']} {100 * best['accuracy']:.1f} %, the dense network "
                f"{100 * dense['accuracy']:.1f} % of {dense['n']:,}, {minutes:g} minutes each",
                verdict=HOLDS if best["interval"][0] > dense["interval"][1] else NOT,
                rule="holds where the best network's 95 % interval lies above the dense one's",
            )
        )
    front = pareto(found, "multiplications")
    table = Table(
        f"From random parameters, {minutes:g} minutes each, {size}×{size} pixels",
        [
            "architecture",
            "accuracy (95 %)",
            "parameters",
            "multiplications",
            "steps",
            "ms per prediction",
        ],
        rows=[
            [
                one["name"],
                f"{100 * one['accuracy']:.1f} ({100 * one['interval'][0]:.1f} to "
                f"{100 * one['interval'][1]:.1f})",
                f"{one['parameters']:,}",
                f"{one['multiplications']:,}",
                f"{one['steps']:,}",
                f"{1000 * one['seconds_to_predict']:.1f}",
            ]
            for one in found
        ],
    )
    chart = scatter(
        {one["name"]: (one["multiplications"] / 1e6, 100 * one["accuracy"]) for one in found},
        "million multiplications per picture",
        y_label="held-out accuracy (%)",
        front=front,
    )
    figure = Figure("What accuracy costs: those on the line are beaten by none.", chart)
    return Section(
        "efficiency",
        "Which is more efficient",
        claims=claims,
        tables=[table],
        figures=[figure],
        notes=(),
        data={"architectures": found, "pareto": front},
    )
