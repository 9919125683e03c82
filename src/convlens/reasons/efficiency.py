"""Which architecture, and which optimizer, comes farthest within one budget."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ..detector.detector import Detector
from ..network.spec import Network
from ..report.charts import curves, scatter
from ..training.optimizers import LEARNING_RATES
from ..training.train import train
from .lab import Notebook, Trial, train_trial
from .learning import Data
from .section import HOLDS, NOT, Claim, Figure, Section, Table
from .translation import Pixels

ARCHITECTURES = ("dense", "lecture", "mobilenet", "efficientnet-lite0", "resnet18", "auto")
"""From small to large, and `auto`, which suits the pictures."""
OPTIMIZERS = ("gd", "momentum", "rmsprop", "adam", "muon")
AROUND = (0.3, 1.0, 3.0)
"""Rates tried, as shares of an optimizer's usual one."""


def architectures(
    notebook: Notebook,
    pictures: str | Path,
    runs: Path,
    size: int,
    minutes: float,
    names: Sequence[str] = ARCHITECTURES,
) -> list[dict[str, Any]]:
    """Each one trained from random parameters for so many minutes: its figures and costs."""
    found = []
    for name in names:

        def make(name: str = name) -> dict[str, Any]:
            folder, number = runs / name, 1
            while folder.exists():
                number += 1
                folder = runs / f"{name}-{number}"
            begun = time.monotonic()
            run = train(pictures, folder, network=name, weights="none", size=size, minutes=minutes)
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

        found.append(notebook.recall("architectures", [name, size, minutes], make))
        notebook.progress("architectures", len(found), len(names))
    return found


def _predict_seconds(detector: Detector, size: int, turns: int = 15) -> float:
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


def optimizers(
    notebook: Notebook, data: Data, conv: Network, steps: int
) -> dict[str, dict[str, Any]]:
    """Each optimizer at the rate with the lowest J on validation pictures: J over the steps."""
    best: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(OPTIMIZERS, 1):
        for share in AROUND:
            rate = LEARNING_RATES[name] * share
            trial = Trial(
                conv.text, conv.size, steps=steps, optimizer=name, learning_rate=rate, kind=name
            )

            def make(trial: Trial = trial) -> dict[str, Any]:
                done = train_trial(trial, data.train, data.val)
                return {
                    "rate": trial.learning_rate,
                    "cost_val": done.cost,
                    "steps": [m.step for m in done.history],
                    "seconds": [m.seconds for m in done.history],
                    "cost_train": [m.cost_train for m in done.history],
                }

            one = notebook.recall("optimizers", trial, make)
            if name not in best or one["cost_val"] < best[name]["cost_val"]:
                best[name] = one
        notebook.progress("optimizers", number, len(OPTIMIZERS))
    return best


def optimizer_section(notebook: Notebook, data: Data, conv: Network) -> Section:
    """J against steps, each optimizer at its own tuned rate."""
    steps = min(1000, max(150, 20 * len(data.train) // 64))
    best = optimizers(notebook, data, conv, steps)
    fell = {name: (one["cost_train"][0], one["cost_train"][-1]) for name, one in best.items()}
    claim = Claim(
        "Gradient descent, momentum, RMSProp or another optimizer lowers J",
        "; ".join(f"{name} {a:.3f} to {b:.3f}" for name, (a, b) in fell.items()),
        HOLDS if all(b < a for a, b in fell.values()) else NOT,
        "holds where J on training pictures is lower at the end than at the first measurement, "
        "for all of them",
    )
    table = Table(
        f"One network, {steps} steps of 64 pictures, each optimizer at its own tuned rate",
        ["optimizer", "rate", "J at the end", "lowest validation J", "seconds"],
        [
            [
                name,
                f"{one['rate']:.2g}",
                f"{one['cost_train'][-1]:.3f}",
                f"{one['cost_val']:.3f}",
                f"{one['seconds'][-1]:.1f}",
            ]
            for name, one in best.items()
        ],
    )
    first = next(iter(best.values()))
    chart = curves(
        first["steps"],
        {name: one["cost_train"] for name, one in best.items()},
        "step",
        "training J (nats)",
    )
    figures = [Figure("J over the steps, each at its own tuned rate.", chart)]
    return Section(
        "efficiency",
        "Which is more efficient",
        [claim],
        [table],
        figures,
        (),
        data={"optimizers": best},
    )


def architecture_section(found: list[dict[str, Any]], size: int, minutes: float) -> Section:
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
                HOLDS if best["interval"][0] > dense["interval"][1] else NOT,
                "holds where the best network's 95 % interval lies above the dense one's",
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
        [
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
        "held-out accuracy (%)",
        front,
    )
    figure = Figure("What accuracy costs: those on the line are beaten by none.", chart)
    return Section(
        "efficiency",
        "Which is more efficient",
        claims,
        [table],
        [figure],
        (),
        data={"architectures": found, "pareto": front},
    )
