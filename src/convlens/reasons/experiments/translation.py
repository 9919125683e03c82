"""Translation: does a feature map move with the picture, and does the answer stay?

A shifted picture is the picture moved by whole pixels of the network's input, with its border
mirrored into the gap; unshifted it is exactly what evaluation sees.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...network.build import Blur, Classifier, Local2d, ResidualBlock

Pixels = npt.NDArray[np.uint8]
Answers = Callable[[Pixels], npt.NDArray[np.floating[Any]]]
"""uint8 pictures [N, S, S, 3] to probabilities [N, K]."""

SHIFTS = (1, 2, 3, 4, 5, 6, 7, 8)
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""(down, right)."""


def shifted(pictures_NHWC: Pixels, down: int, *, right: int) -> Pixels:
    """Pictures moved down and to the right by whole pixels, the border mirrored into the gap."""
    reach = max(abs(down), abs(right))
    if not reach:
        return pictures_NHWC
    around = np.pad(pictures_NHWC, ((0, 0), (reach, reach), (reach, reach), (0, 0)), "reflect")
    height, width = pictures_NHWC.shape[1:3]
    top, left = reach - down, reach - right
    return np.ascontiguousarray(around[:, top : top + height, left : left + width])


@dataclass(frozen=True)
class Invariance:
    """What shifts do to the answers of `pictures` pictures.

    `kept[d]`: share of (picture, direction) whose label stays under a shift of d pixels;
    `change[d]`: mean absolute change of the probability of the unshifted answer;
    `consistency`: share of pairs of different shifts of one picture that get one label (after
    Zhang 2019, whose figures are of random pairs of crops).
    """

    pictures: int
    kept: dict[int, float]
    _: KW_ONLY
    change: dict[int, float]
    consistency: float


def invariance(
    answers: Answers,
    pictures_NHWC: Pixels,
    *,
    shifts: tuple[int, ...] = SHIFTS,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Invariance:
    """Shift every picture by each distance in eight directions, and compare the answers."""
    plain = answers(pictures_NHWC)
    predicted = plain.argmax(1)
    rows = np.arange(len(predicted))
    labels, kept, change = [predicted], {}, {}
    for number, distance in enumerate(shifts):
        same, moved = [], []
        for down, right in DIRECTIONS:
            found = answers(shifted(pictures_NHWC, distance * down, right=distance * right))
            labels.append(found.argmax(1))
            same.append(labels[-1] == predicted)
            moved.append(np.abs(found[rows, predicted] - plain[rows, predicted]))
        kept[distance], change[distance] = float(np.mean(same)), float(np.mean(moved))
        progress(number + 1, len(shifts))
    return Invariance(
        len(predicted), kept, change=change, consistency=_agreement(np.stack(labels, 1))
    )


def _agreement(labels_NS: npt.NDArray[np.int64]) -> float:
    """Share of pairs of different columns with one label, over all rows."""
    count = labels_NS.shape[1]
    total = 0.0
    for label in np.unique(labels_NS):
        times = (labels_NS == label).sum(1)
        total += float((times * (times - 1)).sum())
    return float(total / (len(labels_NS) * count * (count - 1)))


def answers_of(module: Classifier, group: int = 64) -> Answers:
    """A module's probabilities."""

    def answers(pictures: Pixels) -> npt.NDArray[np.floating[Any]]:
        module.eval()
        found = []
        with torch.inference_mode():
            for first in range(0, len(pictures), group):
                pixels = torch.from_numpy(pictures[first : first + group]).permute(0, 3, 1, 2)
                found.append(torch.softmax(module(pixels.float() / 255), 1).numpy())
        return np.concatenate(found)

    return answers


def mapping_layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Layers that give feature maps, in order: each convolution, pooling and residual block."""
    kinds = (nn.Conv2d, Local2d, nn.MaxPool2d, nn.AvgPool2d, Blur, ResidualBlock)
    for name, part in module.named_modules():
        if isinstance(part, kinds):
            yield name, part


@dataclass(frozen=True)
class Equivariance:
    """How far a layer's map of a shifted picture is from its shifted map, per shift in pixels.

    `jump`: input pixels per step of the map. `errors[d]`: largest difference inside, where no
    border is seen, over the map's largest value; for shifts that are no multiple of the jump, the
    nearest whole step is taken, which shows what stride and pooling break.
    """

    layer: str
    jump: int
    errors: dict[int, float]


def equivariance(
    module: Classifier, pictures_NCHW: Tensor, *, shifts: tuple[int, ...] = (1, 2, 4, 8)
) -> list[Equivariance]:
    """For every layer that gives feature maps; computed in float64."""
    double = copy.deepcopy(module).double().eval()
    plain = _maps(double, pictures_NCHW)
    jumps = _jumps(plain, pictures_NCHW.shape[-1])
    errors: dict[str, dict[int, float]] = {name: {} for name in plain}
    for shift in shifts:
        noisy = _maps(double, _noise_at_borders(pictures_NCHW, shift))
        for name, moved in _maps(double, torch.roll(pictures_NCHW, shift, -1)).items():
            first, step = plain[name].out, round(shift / jumps[name])
            inside = _inside(noisy[name].out != first, step)
            if inside is not None:
                difference = (moved.out - torch.roll(first, step, -1))[..., inside].abs().max()
                errors[name][shift] = float(difference / first.abs().max().clamp(min=1e-30))
    return [
        Equivariance(name, jumps[name], errors=found) for name, found in errors.items() if found
    ]


@dataclass(frozen=True)
class _Map:
    """A layer's output [N, C, H, W], the width of its input, and its horizontal stride."""

    out: Tensor
    in_width: int
    stride: int


def _maps(module: Classifier, pixels: Tensor) -> dict[str, _Map]:
    """The output of every layer that gives feature maps, in float64."""
    found: dict[str, _Map] = {}

    def note(name: str, part: nn.Module) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
            if isinstance(part, ResidualBlock):
                stride = round(inputs[0].shape[-1] / out.shape[-1])
            else:
                stride = _stride(part)
            found[name] = _Map(out.detach(), inputs[0].shape[-1], stride=stride)

        return part.register_forward_hook(hook)

    hooks = [note(name, part) for name, part in mapping_layers(module.layers)]
    try:
        with torch.inference_mode():
            module.layers((pixels.double() - module.mean) / module.std)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _stride(part: nn.Module) -> int:
    stride = part.window.stride if isinstance(part, Local2d) else part.stride
    return int(stride if isinstance(stride, int) else stride[-1])  # type: ignore[index]


def _jumps(maps: dict[str, _Map], side: int) -> dict[str, int]:
    """Input pixels per step of each map: the product of the strides on the way to it."""
    by_width = {side: 1}
    found = {}
    for name, one in maps.items():
        near = min(by_width, key=lambda width: abs(width - one.in_width))
        found[name] = by_width[near] * one.stride
        by_width.setdefault(one.out.shape[-1], found[name])
    return found


def _noise_at_borders(pixels_NCHW: Tensor, shift: int) -> Tensor:
    """Noise on the columns beside a border, and on those that a shift rolls round it."""
    noisy = pixels_NCHW.clone()
    generator = torch.Generator().manual_seed(0)
    for columns in (slice(0, shift + 1), slice(-1, None)):
        part = noisy[..., columns]
        noisy[..., columns] = torch.rand(part.shape, generator=generator, dtype=part.dtype)
    return noisy


def _inside(changed_NCHW: Tensor, step: int) -> slice | None:
    """Columns that noise at the borders does not change, nor those a step before them."""
    clean = torch.where(~changed_NCHW.flatten(0, 2).any(0))[0].tolist()
    if not clean:
        return None
    first, last = clean[0] + step, clean[-1] + 1
    return slice(first, last) if last > first else None
