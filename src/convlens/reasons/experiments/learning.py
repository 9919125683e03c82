"""Fewer examples, less overfitting: learning curves with and without sharing, and controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from statistics import mean
from typing import Any

import numpy as np

from ...dataset.batches import Examples
from ...network.layers import Full, Local
from ...network.spec import Network, network
from ...report.charts import curves
from ..section import HOLDS, NEARLY, NOT, Claim, Figure, Section, Table, verdict
from .lab import Notebook, Trial, accuracy, drawn, train_trial, twin

RATES = (0.0003, 0.001, 0.003)
"""Adam's learning rates that each kind of network chooses from, on validation pictures."""
CONV, LOCAL, DENSE, NARROW = "convolutional", "local", "dense", "dense, as few parameters"
SMALLEST, TUNING = 25, 400
"""Examples with which a curve begins, and with which learning rates are chosen."""
SHUFFLES = 3
"""Ways in which the labels are dealt out anew."""


@dataclass(frozen=True)
class Data:
    """Examples of the three sides, at the networks' size."""

    train: Examples
    val: Examples
    test: Examples


def kinds(conv: Network) -> dict[str, str]:
    """The networks compared, as lines: of matched depth and outputs, and one of few weights."""
    return {
        CONV: conv.text,
        LOCAL: twin(conv, Local).text,
        DENSE: twin(conv, Full).text,
        NARROW: narrow(conv),
    }


def narrow(conv: Network) -> str:
    """A dense network of two hidden layers with about as many parameters as the other one."""
    wanted = conv.total().parameters
    units = 1
    while True:
        line = f"dense {units + 1}, dense {units + 1}"
        if network(line, conv.size, classes=conv.classes).total().parameters > wanted:
            return f"dense {units}, dense {units}"
        units += 1


def sizes(most: int) -> list[int]:
    """25, 50, 100, ... and all of them."""
    found = []
    count = SMALLEST
    while count < most:
        found.append(count)
        count *= 2
    return [*found, most]


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
    """Updates of the parameters; validation stops earlier by keeping the best."""
    return min(1500, max(100, 20 * count // 64))


def measured(data: Data, trial: Trial, *, count: int, control: str = "") -> dict[str, Any]:
    """Held-out and training accuracy of one training on `count` examples."""
    train, val, test = data.train, data.val, data.test
    if control == "permuted pixels":
        train, val, test = (permuted(side, 99) for side in (train, val, test))
    some = drawn(train, count, seed=trial.seed)
    if control == "shuffled labels":
        some, val = shuffled(some, 98 + 2 * trial.seed), shuffled(val, 97 + 2 * trial.seed)
    trained = train_trial(trial, some, val=val)
    return {
        "kind": trial.kind,
        "examples": count,
        "seed": trial.seed,
        "held_out": accuracy(trained.module, test),
        "training": accuracy(trained.module, some.take(np.arange(min(len(some), 1000)))),
        "cost_val": trained.cost,
        "seconds": trained.seconds,
    }


def tuned(notebook: Notebook, data: Data, *, conv: Network) -> dict[str, Trial]:
    """Every kind at the rate with the lowest J on validation pictures, of `TUNING` examples."""
    count = min(TUNING, len(data.train))
    trials: dict[str, Trial] = {}
    for kind, line in kinds(conv).items():
        costs: dict[Trial, float] = {}
        for rate in RATES:
            trial = Trial(line, conv.size, steps=steps_for(count), learning_rate=rate, kind=kind)
            make = partial(measured, data, trial, count=count)
            costs[trial] = notebook.recall("learning", [trial, count, ""], make=make)["cost_val"]
        trials[kind] = min(costs, key=costs.__getitem__)
        notebook.progress("learning rates", len(trials), len(kinds(conv)))
    return trials


def curve(
    notebook: Notebook, data: Data, *, trials: Mapping[str, Trial], seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """Every kind at every number of examples with every seed, as far as time allows.

    The first seed's curve is always whole. Seeds go round last, so that a short time gives a whole
    curve of few seeds.
    """
    counts = sizes(len(data.train))
    found: list[dict[str, Any]] = []
    total = len(seeds) * len(counts) * len(trials)
    for done, (seed, count, kind) in enumerate(product(seeds, counts, trials), 1):
        trial = replace(trials[kind], seed=seed, steps=steps_for(count))
        make = partial(measured, data, trial, count=count)
        keep = notebook.recall if seed == seeds[0] else notebook.spare
        one = keep("learning", [trial, count, ""], make=make)
        if one is not None:
            found.append(one)
        notebook.progress("learning curves", done, total)
    return found


def controls(
    notebook: Notebook, data: Data, *, trials: Mapping[str, Trial]
) -> dict[str, dict[str, float]]:
    """Held-out accuracy of the twins on permuted pixels and on shuffled labels.

    Of the latter, the mean over several ways to shuffle, and half of its interval: pictures that
    look alike are answered alike, so one way can be right or wrong about many by luck.
    """
    count = len(data.train)
    found: dict[str, dict[str, float]] = {}
    for kind in (CONV, DENSE):
        trial = replace(trials[kind], steps=steps_for(count))

        def held_out(name: str, seed: int = 0, *, trial: Trial = trial) -> float:
            one = replace(trial, seed=seed)
            make = partial(measured, data, one, count=count, control=name)
            return float(notebook.recall("learning", [one, count, name], make=make)["held_out"])

        by_luck = [held_out("shuffled labels", seed) for seed in range(SHUFFLES)]
        found[kind] = {
            "as they are": held_out(""),
            "permuted pixels": held_out("permuted pixels"),
            "shuffled labels": mean(by_luck),
            "half": interval_half(by_luck),
        }
        notebook.progress("controls", len(found), 2)
    return found


def summed(found: list[dict[str, Any]], kind: str) -> dict[int, dict[str, float]]:
    """By number of examples: means over the seeds, and a 95 % interval of the held-out one."""
    out: dict[int, dict[str, float]] = {}
    for count in sorted({one["examples"] for one in found}):
        runs = [one for one in found if (one["kind"], one["examples"]) == (kind, count)]
        if not runs:
            continue
        held = [one["held_out"] for one in runs]
        out[count] = {
            "held_out": mean(held),
            "half": interval_half(held),
            "gap": mean(one["training"] - one["held_out"] for one in runs),
            "seeds": len(runs),
        }
    return out


def interval_half(values: Sequence[float]) -> float:
    """Half of Student's 95 % interval for their mean; 0 for a single one."""
    if len(values) < 2:
        return 0.0
    from scipy.stats import t

    spread = float(np.std(values, ddof=1))
    return float(t.ppf(0.975, len(values) - 1) * spread / len(values) ** 0.5)


def examples_ratio(
    conv: dict[int, dict[str, float]], dense: dict[int, dict[str, float]]
) -> tuple[float, bool]:
    """How many times the examples the dense network needs, and whether it is "more than".

    Its best accuracy, against the fewest examples (log-linear between those measured) with which
    the convolutional network comes to it.
    """
    most = max(dense, key=lambda count: dense[count]["held_out"])
    wanted = dense[most]["held_out"]
    counts = sorted(conv)
    for below, above in zip([None, *counts], counts, strict=False):
        high = conv[above]["held_out"]
        if high < wanted:
            continue
        if below is None:
            return most / above, True
        low = conv[below]["held_out"]
        share = (wanted - low) / (high - low)
        reached = np.exp(np.log(below) + share * (np.log(above) - np.log(below)))
        return float(most / reached), False
    return most / counts[-1], False  # it never comes to it


def _cell(one: dict[str, float]) -> str:
    half = f"± {100 * one['half']:.1f}" if one["seeds"] > 1 else "once"
    return f"{100 * one['held_out']:.1f} {half} (gap {100 * one['gap']:.0f})"


def _permutation_verdict(conv: float, dense: float, *, noise: float) -> str:
    if conv > noise >= dense:
        return HOLDS
    return NEARLY if conv > dense else NOT


def section(notebook: Notebook, data: Data, *, conv: Network, seeds: int = 3) -> Section:
    """The learning curves, the sentence that they come to, and the two controls."""
    lines = kinds(conv)
    trials = tuned(notebook, data, conv=conv)
    checks = controls(notebook, data, trials=trials)
    found = curve(notebook, data, trials=trials, seeds=range(seeds))
    by_kind = {kind: summed(found, kind) for kind in lines}
    ratio, more = examples_ratio(by_kind[CONV], by_kind[DENSE])
    most = max(by_kind[CONV])
    chance = float(np.bincount(data.test.labels).max() / len(data.test))
    gaps = {kind: by_kind[kind][most]["gap"] for kind in lines}
    fell = {kind: one["as they are"] - one["permuted pixels"] for kind, one in checks.items()}
    noise = 2 * (chance * (1 - chance) / len(data.test)) ** 0.5
    at_chance = all(
        abs(one["shuffled labels"] - chance) <= max(one["half"], 1.5 * noise)
        for one in checks.values()
    )
    needs = f"{'more than ' if more else ''}{ratio:.2g} times"
    claims = [
        Claim(
            "A smaller training set suffices",
            f"the dense network needs {needs} the examples",
            *verdict(ratio, 2, nearly=1, unit=" times"),
        ),
        Claim(
            "It overfits less",
            f"training less held-out accuracy with {most:,} examples: convolutional "
            f"{100 * gaps[CONV]:.1f}, local {100 * gaps[LOCAL]:.1f}, dense "
            f"{100 * gaps[DENSE]:.1f} points"
            + ("" if by_kind[CONV][most]["seeds"] > 1 else ", trained once each"),
            verdict=HOLDS if gaps[CONV] < gaps[DENSE] else NOT,
            rule="holds where the convolutional network's gap is the smaller one",
        ),
        Claim(
            "It uses which pixels are neighbours (control: one permutation of all pixels)",
            f"accuracy falls by {100 * fell[CONV]:.1f} points; the dense network's by "
            f"{100 * fell[DENSE]:.1f}",
            verdict=_permutation_verdict(fell[CONV], fell[DENSE], noise=noise),
            rule=f"holds where only the convolutional network falls by more than {100 * noise:.1f} "
            "points (two standard errors), nearly where it falls by more",
        ),
        Claim(
            "Nothing is learnt where there is nothing to learn (control: shuffled labels)",
            ", ".join(
                f"{kind} {100 * one['shuffled labels']:.1f} ± {100 * one['half']:.1f} %"
                for kind, one in checks.items()
            )
            + f"; chance is {100 * chance:.1f} %",
            verdict=HOLDS if at_chance else NOT,
            rule=f"holds where chance lies within the interval of {SHUFFLES} ways to shuffle, or "
            f"within {150 * noise:.1f} points (three standard errors of one way)",
        ),
    ]
    table = Table(
        f"Held-out accuracy (95 % interval over seeds), and the gap to training accuracy, at "
        f"{conv.size}×{conv.size}, without augmentation",
        ["examples", *lines],
        rows=[
            [
                f"{count:,}",
                *(_cell(by_kind[kind][count]) for kind in lines),
            ]
            for count in sorted(by_kind[CONV])
        ],
    )
    counts = sorted(by_kind[CONV])
    chart = curves(
        counts,
        {k: [100 * by_kind[k][c]["held_out"] for c in counts] for k in lines},
        x_label="training examples",
        y_label="held-out accuracy (%)",
        logarithmic=True,
    )
    totals = {
        k: network(line, conv.size, classes=conv.classes).total().parameters
        for k, line in lines.items()
    }
    notes = [
        "; ".join(f"{kind}: {line} ({totals[kind]:,} parameters)" for kind, line in lines.items()),
        "Each network's learning rate is the one of "
        + ", ".join(map(str, RATES))
        + " (Adam) with the lowest J on validation pictures.",
    ]
    return Section(
        "examples",
        "Fewer examples, less overfitting",
        claims=claims,
        tables=[table],
        figures=[Figure("With how many examples each kind of network learns how much.", chart)],
        notes=notes,
        data={
            "runs": found,
            "ratio": ratio,
            "more_than": more,
            "controls": checks,
            "chance": chance,
        },
    )
