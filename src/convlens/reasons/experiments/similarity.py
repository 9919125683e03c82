"""How much layers of two networks tell the same: linear CKA (Kornblith et al. 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...dataset.examples import to_float
from ...network.classifier import Classifier
from ...network.spec import Network
from ...pictures.resize import Resizer
from ..section import Claim, Section, Table, verdict
from .notebook import Notebook
from .recording import recorded
from .trained_run import TrainedRun
from .trials import Splits, Trial, drawn, train_trial

LAYERS = 8
"""Layers that are compared, from the first to the last."""
PICTURES, SIDE, STEPS = 300, 8, 500
"""Pictures; the side that larger maps are averaged down to; steps of training the twins."""


@dataclass(frozen=True)
class Similarity:
    """Of two networks, by layer, from the first to the last."""

    what: str
    layers: list[str]
    cka: list[float]


def linear_cka(first_ND: Tensor, second_ND: Tensor) -> float:
    """Similarity of two sets of features of the same pictures, 1 where one is the other turned.

    From the unbiased estimator of HSIC (Song et al. 2012), so that it is about 0 for features that
    have nothing in common, however many there are (Nguyen et al. 2021).
    """
    grams = [features @ features.T for features in (first_ND.double(), second_ND.double())]
    for gram in grams:
        gram.fill_diagonal_(0)
    first, second = grams
    cross, own, other = _hsic(first, second), _hsic(first, first), _hsic(second, second)
    return float(cross / max(own * other, 1e-300) ** 0.5)


def _hsic(first: Tensor, second: Tensor) -> float:
    """Of Gram matrices without their diagonals, but for a factor."""
    n = len(first)
    sums = first.sum() * second.sum() / ((n - 1) * (n - 2))
    rows = 2 * (first.sum(0) @ second.sum(0)) / (n - 2)
    return float((first * second).sum() + sums - rows)


def compare(
    what: str,
    networks: tuple[Classifier, Classifier],
    pictures: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]],
) -> Similarity:
    """Compare layers of two networks at equal shares of their depths, each on its [N, S, S, 3].

    The pictures are the same, brought to the size of each.
    """
    weighted = [_weighted(module) for module in networks]
    count = min(LAYERS, *map(len, weighted))
    chosen = [_spread(layers, count) for layers in weighted]
    features = [
        _features(module, layers, images)
        for module, layers, images in zip(networks, chosen, pictures, strict=True)
    ]
    names = [
        one if one == other else f"{one} and {other}" for one, other in zip(*chosen, strict=True)
    ]
    cka = [
        linear_cka(one, other)
        for one, other in zip(features[0].values(), features[1].values(), strict=True)
    ]
    return Similarity(what, names, [round(value, 4) for value in cka])


def beside(run: TrainedRun, other: TrainedRun) -> Similarity:
    """A run's layers against another one's, on pictures from which the first did not learn."""
    pictures = run.unseen[:PICTURES]
    resize = Resizer(other.record["plan"]["size"])
    resized = np.stack([resize(picture) for picture in pictures])
    what = f"{run.folder.name} and {other.folder.name}"
    return compare(what, (run.module, other.module), (pictures, resized))


def _weighted(module: Classifier) -> Sequence[tuple[str, nn.Module]]:
    """The layers with parameters, from the first to the one before the answer."""
    found = [
        (name, part)
        for name, part in module.layers.named_modules()
        if isinstance(part, nn.Conv2d | nn.Linear)
    ]
    return found[:-1] or found


def _spread(layers: Sequence[tuple[str, nn.Module]], count: int) -> dict[str, nn.Module]:
    """So many of them, the first and the last among them."""
    places = np.linspace(0, len(layers) - 1, count).round().astype(int)
    return dict(layers[place] for place in places)


@torch.inference_mode()
def _features(
    module: Classifier, layers: dict[str, nn.Module], pictures_NHWC: npt.NDArray[np.uint8]
) -> dict[str, Tensor]:
    """By layer, what it gives for each picture [N, D], large maps averaged down."""
    module.eval()
    features: dict[str, list[Tensor]] = {}
    for images in torch.split(torch.from_numpy(pictures_NHWC), 32):
        with recorded(layers) as outputs:
            module.layers((to_float(images) - module.mean) / module.std)
        for name in layers:
            given = outputs[name][0].output
            if given.ndim == 4 and min(given.shape[2:]) > SIDE:
                given = functional.adaptive_avg_pool2d(given, SIDE)
            features.setdefault(name, []).append(given.flatten(1))
    return {name: torch.cat(parts) for name, parts in features.items()}


def measure(
    notebook: Notebook, splits: Splits, *, conv: Network, seeds: Sequence[int]
) -> Similarity:
    """Train a network twice, from two seeds, and compare the layers on held-out pictures."""
    trial = Trial(conv.text, conv.size, steps=min(STEPS, max(150, 20 * len(splits.train) // 64)))
    make = partial(_trained_twice, splits, trial, seeds)
    return notebook.recall("similarity", [trial, list(seeds)], read=Similarity, make=make)


def _trained_twice(splits: Splits, trial: Trial, seeds: Sequence[int]) -> Similarity:
    from dataclasses import replace

    first, second = (
        train_trial(replace(trial, seed=seed), splits.train, val=splits.val).module
        for seed in seeds
    )
    test = drawn(splits.test, PICTURES, seed=seeds[0])
    pixels = np.ascontiguousarray(test.pixels[test.rows])
    return compare("the same network from two seeds", (first, second), (pixels, pixels))


def section(similarities: Sequence[Similarity]) -> Section:
    """Layer by layer, and that the first ones resemble each other more than the last."""
    claims = [
        Claim(
            "Early layers learn what any detector needs, late ones what this one needs",
            f"{one.what}: linear CKA of {one.cka[0]:.2f} in the first layer, {one.cka[-1]:.2f} in "
            "the last before the answer",
            *verdict(one.cka[0] - one.cka[-1], 0.1, nearly=0, unit=" less in the last layer"),
        )
        for one in similarities
    ]
    tables = [
        Table(
            f"Linear CKA on held-out pictures: {one.what} (1: the same but for a turn of the axes; "
            "0: nothing in common)",
            ["layer", "CKA"],
            rows=[[name, f"{cka:.2f}"] for name, cka in zip(one.layers, one.cka, strict=True)],
        )
        for one in similarities
    ]
    return Section(
        "similarity",
        "Another detector's layers",
        claims=claims,
        tables=tables,
        data={"similarity": [vars(one) for one in similarities]},
    )
