"""Translation, as a section: twins with and without shifts, and a detector's own answers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from ...network.build import build
from ...network.layers import Full, Local
from ...network.spec import Network
from ...report.charts import curves
from ..section import Claim, Figure, Section, Table, verdict
from .lab import Notebook, Trial, accuracy, blurred, train_trial, twin, untrained
from .learning import Data
from .translation import (
    SHIFTS,
    Answers,
    Equivariance,
    Invariance,
    Pixels,
    answers_of,
    equivariance,
    invariance,
)

PICTURES = 300
"""Held-out pictures that are shifted."""
TRAININGS = ("untrained", "none", "shift")
"""Not at all, without augmentation, with shifts of up to an eighth of the side."""


def kinds(conv: Network) -> dict[str, str]:
    """The twins as lines; the last is anti-aliased."""
    return {
        "convolutional": conv.text,
        "convolutional, anti-aliased": blurred(conv).text,
        "local": twin(conv, Local).text,
        "dense": twin(conv, Full).text,
    }


def plain(found: Invariance) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "pictures": found.pictures,
        "kept": {str(d): share for d, share in found.kept.items()},
        "change": {str(d): value for d, value in found.change.items()},
        "consistency": found.consistency,
    }


def twins(notebook: Notebook, data: Data, *, conv: Network, steps: int) -> list[dict[str, Any]]:
    """Every kind with every training: held-out accuracy and what shifts do."""
    pictures = data.test.pixels[data.test.rows[:PICTURES]]
    lines = kinds(conv)
    found = []
    for kind, line in lines.items():
        for training in TRAININGS:
            trial = Trial(line, conv.size, steps=steps, augment=training, kind=kind)

            def make(trial: Trial = trial) -> dict[str, Any]:
                if trial.augment == "untrained":
                    module = untrained(replace(trial, augment="none"), data.train)
                else:
                    module = train_trial(trial, data.train, val=data.val).module
                return {
                    "kind": trial.kind,
                    "training": trial.augment,
                    "accuracy": accuracy(module, data.test),
                    **plain(invariance(answers_of(module), pictures)),
                }

            found.append(notebook.recall("translation", trial, make=make))
            notebook.progress("translation", len(found), len(lines) * len(TRAININGS))
    return found


def exactness(conv: Network) -> list[Equivariance]:
    """Equivariance of the network's layers with random parameters."""
    random = torch.Generator().manual_seed(0)
    return equivariance(build(conv, 0), torch.rand(2, 3, conv.size, conv.size, generator=random))


def section(
    notebook: Notebook | None,
    conv: Network,
    *,
    data: Data | None = None,
    detector: tuple[Answers, Pixels, str] | None = None,
) -> Section:
    """What is exact, what stride and pooling break, and what of invariance is learnt.

    `detector` is its answers, held-out pictures as it takes them, and its name.
    """
    layers = exactness(conv)
    exact = max(e for one in layers for shift, e in one.errors.items() if shift % one.jump == 0)
    broken = max((e for one in layers for s, e in one.errors.items() if s % one.jump), default=0.0)
    claims = [
        Claim(
            "Shifting the picture shifts a convolution's feature map",
            f"by whole strides exactly, up to {exact:.1g} of the largest value, away from the "
            f"border; between the strides of pooling it is off by up to {broken:.1f}",
            *verdict(exact, 1e-12, nearly=1e-6),
        )
    ]
    tables, figures = [_exactness_table(conv, layers)], []
    numbers: dict[str, Any] = {"equivariance": [vars(one) for one in layers]}
    if data is not None and notebook is not None:
        steps = min(1500, max(150, 20 * len(data.train) // 64))
        found = twins(notebook, data, conv=conv, steps=steps)
        numbers["twins"] = found
        claims.append(_twins_claim(found))
        tables.append(_twins_table(found))
        figures.append(_twins_figure(found))
    if detector is not None and notebook is not None:
        answers, pictures, name = detector

        def make() -> dict[str, Any]:
            what = "shifting pictures"
            tell: Callable[[int, int], None] = lambda k, n: notebook.progress(what, k, n)  # noqa: E731
            return plain(invariance(answers, pictures, shifts=(1, 2, 4, 8), progress=tell))

        moved = notebook.recall("invariance", [name, len(pictures)], make=make)
        numbers["detector"] = moved
        claims += _detector_claims(moved, pictures.shape[1])
    return Section(
        "translation",
        "Translation",
        claims=claims,
        tables=tables,
        figures=figures,
        notes=(),
        data=numbers,
    )


def _detector_claims(moved: dict[str, Any], side: int) -> list[Claim]:
    return [
        Claim(
            f"Shifting the picture by {words} leaves the detector's answer alone",
            f"{100 * moved['kept'][distance]:.2f} % of {moved['pictures']:,} held-out pictures × 8 "
            f"directions keep their label at {side}×{side}; the probability moves by "
            f"{100 * moved['change'][distance]:.2f} points",
            *verdict(100 * moved["kept"][distance], holds, nearly=nearly, unit=" %"),
        )
        for words, distance, holds, nearly in (
            ("two pixels", "2", 99, 95),
            ("eight pixels", "8", 98, 90),
        )
    ]


def _exactness_table(conv: Network, layers: list[Equivariance]) -> Table:
    shifts = (1, 2, 4, 8)
    return Table(
        f"How far the map of a shifted picture is from the shifted map, inside, as a share of its "
        f"largest value: {conv.text}",
        ["layer", "pixels per step", *(f"shift {s}" for s in shifts)],
        rows=[
            [
                str(conv.all_layers[int(one.layer.split(".")[0])]),
                str(one.jump),
                *(f"{one.errors[s]:.1g}" if s in one.errors else "" for s in shifts),
            ]
            for one in layers
        ],
    )


def _twins_claim(found: list[dict[str, Any]]) -> Claim:
    by = {(one["kind"], one["training"]): one for one in found}
    conv, learnt = by["convolutional", "none"], by["convolutional", "shift"]
    smooth, dense = by["convolutional, anti-aliased", "none"], by["dense", "none"]
    kept = 100 * conv["kept"]["2"]
    return Claim(
        "Shifting the picture by two pixels leaves the answer alone",
        f"trained without shifts {kept:.1f} % keep their label (anti-aliased "
        f"{100 * smooth['kept']['2']:.1f} %, dense {100 * dense['kept']['2']:.1f} %), with shifts "
        f"{100 * learnt['kept']['2']:.1f} %: part of it is learnt",
        *verdict(kept, 99, nearly=90, unit=" %"),
    )


def _twins_table(found: list[dict[str, Any]]) -> Table:
    words = {"untrained": "untrained", "none": "no augmentation", "shift": "with shifts"}
    return Table(
        "Share of held-out pictures that keep their label (%), agreement of pairs of shifts "
        "(after Zhang 2019), and accuracy",
        ["network", "training", "shift 1", "shift 2", "shift 4", "shift 8", "pairs agree", "right"],
        rows=[
            [
                one["kind"],
                words[one["training"]],
                *(f"{100 * one['kept'][d]:.1f}" for d in "1248"),
                f"{100 * one['consistency']:.1f}",
                f"{100 * one['accuracy']:.1f}",
            ]
            for one in found
        ],
        left=2,
    )


def _twins_figure(found: list[dict[str, Any]]) -> Figure:
    lines = {
        one["kind"]: [100.0, *(100 * one["kept"][str(d)] for d in SHIFTS)]
        for one in found
        if one["training"] == "none"
    }
    lowest = 10 * (min(min(values) for values in lines.values()) // 10)
    chart = curves(
        (0, *SHIFTS),
        lines,
        x_label="shift (pixels)",
        y_label="label kept (%)",
        lowest=min(lowest, 90),
    )
    return Figure("Trained without shifts: the farther, the more labels change.", chart)
