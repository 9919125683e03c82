"""Which architecture comes farthest within one budget, and what it costs."""

import time
from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from ...detector.detector import Detector
from ...drawing.charts import pareto, scatter
from ...training.train import train
from ..section import HOLDS, NOT, Claim, Figure, Section, Table
from .notebook import Notebook

ARCHITECTURES = {
    "dense": "dense 256, norm, dense 64, norm",
    **{name: name for name in ("auto", "lecture", "mobilenet", "efficientnet-lite0", "resnet18")},
}
"""Lines by name; the first two in any case, the others as far as there is time."""
ALWAYS = 2


@dataclass(frozen=True)
class Budget:
    """What every architecture gets: the pictures' side length in pixels, minutes, and a seed."""

    size: int
    minutes: float
    seed: int


@dataclass(frozen=True)
class ArchitectureResult:
    """One architecture: accuracy on `n` held-out pictures, its 95 % interval, and its costs."""

    name: str
    accuracy: float
    _: KW_ONLY
    interval: Sequence[float]
    n: int
    parameters: int
    multiplications: int
    steps: int
    seconds_to_train: float
    seconds_to_predict: float


def measure(
    notebook: Notebook, pictures: str | Path, *, runs: Path, budget: Budget
) -> list[ArchitectureResult]:
    """Each one trained from random parameters within the budget; `runs` holds the run folders."""
    results = []
    for number, (name, line) in enumerate(ARCHITECTURES.items(), 1):
        recall = notebook.recall if number <= ALWAYS else notebook.recall_in_time
        result = recall(
            "architectures",
            [line, budget.size, budget.minutes, budget.seed],
            read=ArchitectureResult,
            make=partial(_train, pictures, name, line=line, runs=runs, budget=budget),
        )
        if result is not None:
            results.append(result)
        notebook.progress("architectures", number, len(ARCHITECTURES))
    return results


def _train(
    pictures: str | Path, name: str, *, line: str, runs: Path, budget: Budget
) -> ArchitectureResult:
    began = time.monotonic()
    run = train(
        pictures,
        _new_folder(runs / name),
        network=line,
        weights="none",
        size=budget.size,
        minutes=budget.minutes,
        seed=budget.seed,
    )
    if not run.finished:  # Ctrl-C, which the training took for itself: this is not its accuracy
        raise KeyboardInterrupt
    seconds = time.monotonic() - began
    test, training = run.metrics["test"], run.metrics["training"]
    return ArchitectureResult(
        name,
        test["accuracy"],
        interval=test["accuracy_interval"],
        n=test["n"],
        parameters=training["parameters"],
        multiplications=training["multiplications"],
        steps=training["steps"],
        seconds_to_train=seconds,
        seconds_to_predict=_predict_seconds(Detector(run.detector), budget.size),
    )


def _new_folder(path: Path) -> Path:
    """The path, or the first of `path-2`, `path-3`, ... that is not there."""
    folder, number = path, 1
    while folder.exists():
        number += 1
        folder = path.with_name(f"{path.name}-{number}")
    return folder


def _predict_seconds(detector: Detector, size: int, *, turns: int = 15) -> float:
    """Median seconds for one picture."""
    picture = np.zeros((size, size, 3), np.uint8)
    detector.probabilities(picture)
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        detector.probabilities(picture)
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def section(results: Sequence[ArchitectureResult], budget: Budget) -> Section:
    """Accuracy against what an architecture costs."""
    points = {
        result.name: (result.multiplications / 1e6, 100 * result.accuracy) for result in results
    }
    chart = scatter(points, "million multiplications per picture", y_label="held-out accuracy (%)")
    return Section(
        "efficiency",
        "Which is more efficient",
        claims=_claims(results, budget),
        tables=[_table(results, budget)],
        figures=[Figure("What accuracy costs: those on the line are beaten by none.", chart)],
        data={"architectures": [asdict(result) for result in results], "pareto": pareto(points)},
    )


def _claims(results: Sequence[ArchitectureResult], budget: Budget) -> list[Claim]:
    best = max(results, key=lambda result: result.accuracy)
    return [
        Claim(
            "Convolution and pooling layers make the effective detector",
            f"{best.name} {100 * best.accuracy:.1f} %, the dense network "
            f"{100 * dense.accuracy:.1f} % of {dense.n:,}, {budget.minutes:g} minutes each",
            verdict=HOLDS if best.interval[0] > dense.interval[1] else NOT,
            rule="holds where the best network's 95 % interval lies above the dense one's",
        )
        for dense in results
        if dense.name == "dense"
    ]


def _table(results: Sequence[ArchitectureResult], budget: Budget) -> Table:
    return Table(
        f"From random parameters, {budget.minutes:g} minutes each, {budget.size}×{budget.size} "
        "pixels",
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
                result.name,
                f"{100 * result.accuracy:.1f} ({100 * result.interval[0]:.1f} to "
                f"{100 * result.interval[1]:.1f})",
                f"{result.parameters:,}",
                f"{result.multiplications:,}",
                f"{result.steps:,}",
                f"{1000 * result.seconds_to_predict:.1f}",
            ]
            for result in results
        ],
    )
