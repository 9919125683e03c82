"""What a detector's filters are: edges, colours or textures, by what they answer to gratings."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ....dataset.examples import to_float
from ....network.backbone import BackboneWithHead
from ....network.classifier import Classifier
from ...section import Claim, Section, Table, verdict
from ..recording import recorded
from .measure import DEPTHS, convolutions

ORIENTATIONS, PHASES = 8, 2
PERIODS = (3, 5, 8, 14, 24)
"""Pixels from one bright stripe to the next."""
HUES = 6
BATCH = 16
CONTRAST = 100
"""Of a grating's and a colour's levels around grey."""
SELECTIVE = 1 / 6
"""Orientation selectivity from which a filter counts as one for edges: a derivative along one
direction has 1/3, and a spot, which is the same from all sides, 0."""
LARGEST = 128
"""Side of the gratings, in pixels, for networks that take pictures of any size."""
EDGES, COLOURS, TEXTURES, SILENT = "edges", "colours", "textures", "silent"

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LayerKinds:
    """Of each filter of one convolution: its kind, and what it was told by.

    `orientation` is the orientation selectivity, 0 to 1: the length of the mean of answers as
    vectors at twice their angle (1 minus the circular variance). `period` is the grating's, in
    pixels, that is answered most. `colour` is the answer to plain colours as a share of that and
    of the answer to grey gratings.
    """

    depth: str
    layer: str
    _: KW_ONLY
    kinds: list[str]
    orientation: list[float]
    period: list[int]
    colour: list[float]

    def share(self, kind: str) -> float:
        """Of filters that are of this kind."""
        return self.kinds.count(kind) / max(1, len(self.kinds))


def measure(module: Classifier, size: int) -> list[LayerKinds]:
    """The kinds of the first, a middle and the last convolution's filters."""
    layers = module.layers
    if isinstance(layers, BackboneWithHead) and not layers.one_side:
        size = min(size, LARGEST)
    periods = [period for period in PERIODS if period <= size / 2] or [max(2, size // 2)]
    pictures = np.concatenate([gratings(size, periods), colours(size)])
    chosen = dict(convolutions(module))
    answers = _answers(module, chosen, pictures, grey=grey(size))
    return [
        _kinds(answers[name], periods, (depth, name))
        for depth, name in zip(DEPTHS, chosen, strict=False)
    ]


@torch.inference_mode()
def _answers(
    module: Classifier, layers: Mapping[str, nn.Module], pictures_NHWC: Pixels, *, grey: Pixels
) -> dict[str, Floats]:
    """By layer, how far on average its filters' inner maps are from those of grey [N, C]."""
    module.eval()
    answers: dict[str, list[Floats]] = {name: [] for name in layers}
    plain: dict[str, Tensor] = {}
    for images in (grey, *np.array_split(pictures_NHWC, -(-len(pictures_NHWC) // BATCH))):
        pixels = to_float(torch.from_numpy(np.ascontiguousarray(images)))
        with recorded(layers) as outputs:
            module.layers((pixels - module.mean) / module.std)
        for name, (found,) in outputs.items():
            height, width = found.output.shape[2:]
            top, left = height // 4, width // 4  # what lies at the border sees it
            inner = found.output[:, :, top : max(top + 1, height - top)]
            inner = inner[..., left : max(left + 1, width - left)]
            away = (inner - plain.setdefault(name, inner)).abs().mean((2, 3))
            answers[name].append(away.double().numpy())
    return {name: np.concatenate(parts[1:]) for name, parts in answers.items()}


def gratings(size: int, periods: Sequence[int]) -> Pixels:
    """Grey stripes [periods × orientations × phases, S, S, 3], in that order."""
    y, x = np.mgrid[:size, :size]
    out = []
    for period in periods:
        for angle in np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS:
            across = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period
            out += [np.sin(across + phase) for phase in np.arange(PHASES) * 2 * np.pi / PHASES]
    stripes = 128 + CONTRAST * np.stack(out)[..., None]
    return np.repeat(stripes.round().astype(np.uint8), 3, -1)


def colours(size: int) -> Pixels:
    """Plain colours [hues, S, S, 3] of the same mean as grey."""
    angles = np.arange(HUES) * 2 * np.pi / HUES
    third = 2 * np.pi / 3
    rgb = 128 + CONTRAST * np.cos(angles[:, None] - third * np.arange(3))
    plain = np.broadcast_to(rgb.round()[:, None, None], (HUES, size, size, 3))
    return plain.astype(np.uint8)


def grey(size: int) -> Pixels:
    """One plain picture [1, S, S, 3]."""
    return np.full((1, size, size, 3), 128, np.uint8)


def _kinds(answers_NC: Floats, periods: Sequence[int], place: tuple[str, str]) -> LayerKinds:
    stripes = answers_NC[:-HUES].reshape(len(periods), ORIENTATIONS, PHASES, -1).mean(2)
    best = stripes.max(1).argmax(0)
    by_angle = np.take_along_axis(stripes, best[None, None], 0)[0]
    doubled = np.exp(2j * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS)
    total = by_angle.sum(0)
    orientation = np.abs(doubled @ by_angle) / np.maximum(total, 1e-12)
    plain, striped = answers_NC[-HUES:].max(0), by_angle.max(0)
    colour = plain / np.maximum(plain + striped, 1e-12)
    loudest = max(float(striped.max()), float(plain.max()), 1e-12)
    kinds = [
        SILENT
        if max(plain[c], striped[c]) < 1e-3 * loudest
        else COLOURS
        if colour[c] > 0.5
        else EDGES
        if orientation[c] >= SELECTIVE
        else TEXTURES
        for c in range(len(colour))
    ]
    return LayerKinds(
        *place,
        kinds=kinds,
        orientation=orientation.round(4).tolist(),
        period=[periods[k] for k in best],
        colour=colour.round(4).tolist(),
    )


def section(layers: Sequence[LayerKinds]) -> Section:
    """How many filters of each kind, and that the first ones are of edges and colours."""
    first = layers[0]
    simple = 100 * (first.share(EDGES) + first.share(COLOURS))
    claim = Claim(
        "The first layer finds edges and colours",
        f"of {len(first.kinds)} filters of {first.layer}, {100 * first.share(EDGES):.0f} % answer "
        f"to edges and {100 * first.share(COLOURS):.0f} % to plain colours",
        *verdict(simple, 75, nearly=50, unit=" % of the filters"),
    )
    table = Table(
        "What filters answer to. Colours: a plain colour more than any grey grating. Edges: the "
        f"best grating's orientation, with a selectivity of {SELECTIVE:.2f} or more. Textures: "
        "gratings of any orientation",
        ["convolution", EDGES, COLOURS, TEXTURES, "selectivity", "stripes (pixels)"],
        rows=[
            [
                f"{layer.depth} ({layer.layer})",
                *(f"{100 * layer.share(kind):.0f} %" for kind in (EDGES, COLOURS, TEXTURES)),
                f"{np.median(layer.orientation):.2f}",
                f"{np.median(layer.period):.0f}",
            ]
            for layer in layers
        ],
    )
    return Section(
        "kinds",
        "Edges, colours, textures",
        claims=[claim],
        tables=[table],
        data={"kinds": [vars(layer) for layer in layers]},
    )
