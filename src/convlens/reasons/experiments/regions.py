"""Sharing where regions differ: pictures placed in one quarter of a canvas tinted by quarters.

"Top left and bottom right may differ in distribution, and sharing still works": each quarter of
the canvas has a brightness and a colour of its own, and each picture stands in one of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt

from ...dataset.batches import Examples
from ...network.layers import Local
from ...network.spec import Network
from ..section import Claim, Section, Table, verdict
from .lab import Notebook, Trial, accuracy, drawn, train_trial, twin

TINTS = np.array([(1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (1.0, 0.6, 0.4), (0.4, 0.6, 1.0)])
"""What the channels are multiplied by: top left, top right, bottom left, bottom right."""
PICTURES, STEPS = 2400, 500
"""At most so many pictures of each side, and steps: the local twin of a canvas is slow."""
QUARTERS = ("top left", "top right", "bottom left", "bottom right")


def placed(examples: Examples, seed: int) -> tuple[Examples, npt.NDArray[np.int64]]:
    """Each picture [S, S, 3] at half its side, S even, in the quarter [N] of a canvas [S, S, 3]."""
    whole = examples.pixels[examples.rows]
    side = whole.shape[1] // 2
    pixels = whole.reshape(len(whole), side, 2, side, 2, 3).mean((2, 4))
    quarters = np.random.default_rng(seed).integers(0, 4, len(pixels))
    canvas = np.empty((len(pixels), 2 * side, 2 * side, 3), np.uint8)
    for quarter, tint in enumerate(TINTS):
        down, right = divmod(quarter, 2)
        region = canvas[:, down * side : (down + 1) * side, right * side : (right + 1) * side]
        region[:] = 128 * tint
        here = quarters == quarter
        region[here] = pixels[here] * tint
    return Examples(
        canvas, np.arange(len(canvas)), labels=examples.labels, classes=examples.classes
    ), quarters


def by_region(
    notebook: Notebook,
    sides: tuple[Examples, Examples, Examples],
    *,
    conv: Network,
    trial: Trial,
    seeds: Sequence[int],
) -> dict[str, list[dict[str, Any]]]:
    """Held-out accuracy in each quarter, for the network and its local twin, with each seed.

    `sides` are the training, validation and held-out pictures.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for kind, line in (("convolutional", conv.text), ("local", twin(conv, Local).text)):
        for seed in seeds:
            one = replace(trial, line=line, size=conv.size, seed=seed, kind=kind)

            def make(one: Trial = one) -> dict[str, Any]:
                (train, _), (val, _), (test, where) = (
                    placed(side, number) for number, side in enumerate(sides)
                )
                module = train_trial(one, train, val=val).module
                return {
                    "all": accuracy(module, test),
                    **{
                        name: accuracy(module, test.take(np.where(where == quarter)[0]))
                        for quarter, name in enumerate(QUARTERS)
                    },
                }

            found.setdefault(kind, []).append(notebook.recall("regions", one, make=make))
            notebook.progress("regions", len(found), 2)
    return found


def section(
    notebook: Notebook,
    sides: tuple[Examples, Examples, Examples],
    *,
    conv: Network,
    seeds: Sequence[int] = (0,),
) -> Section:
    """Accuracy by quarter, convolutional against local."""
    train, val, test = (drawn(side, PICTURES, seed=0) for side in sides)
    steps = min(STEPS, max(150, 20 * len(train) // 64))
    trial = Trial("", conv.size, steps=steps)
    found = by_region(notebook, (train, val, test), conv=conv, trial=trial, seeds=seeds)
    names = ("all", *QUARTERS)
    means = {
        kind: {name: mean(run[name] for run in runs) for name in names}
        for kind, runs in found.items()
    }
    gain = 100 * (means["convolutional"]["all"] - means["local"]["all"])
    claim = Claim(
        "Top left and bottom right may differ in distribution, and sharing still works",
        f"each quarter with its own brightness and colour: convolutional "
        f"{100 * means['convolutional']['all']:.1f} %, local {100 * means['local']['all']:.1f} %",
        *verdict(gain, 0, nearly=-2, unit=" points more than the local network"),
    )
    table = Table(
        f"Held-out accuracy (%) by the quarter of a {conv.size}×{conv.size} canvas in which the "
        "picture stands",
        ["network", *names],
        rows=[[kind, *(f"{100 * one[name]:.1f}" for name in names)] for kind, one in means.items()],
    )
    return Section(
        "regions",
        "Sharing where regions differ",
        claims=[claim],
        tables=[table],
        figures=(),
        notes=(),
        data={"runs": found},
    )
