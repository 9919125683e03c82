"""Does a feature map move with the picture?"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ....network.classifier import Classifier
from ....network.local2d import Local2d
from ....network.modules import Blur, ResidualBlock
from ..recording import Recorded, recorded


@dataclass(frozen=True)
class Equivariance:
    """How far a layer's map of a shifted picture is from its shifted map, by shift in pixels.

    `jump`: input pixels per step of the map. `errors`: the largest difference inside, where no
    border is seen, over the map's largest value; for shifts that are no multiple of the jump, the
    nearest whole step is taken, which shows what stride and pooling break.
    """

    layer: str
    jump: int
    errors: dict[int, float]


def mapping_layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Layers that give feature maps, in order: each convolution, pooling and residual block."""
    kinds = (nn.Conv2d, Local2d, nn.MaxPool2d, nn.AvgPool2d, Blur, ResidualBlock)
    for name, part in module.named_modules():
        if isinstance(part, kinds):
            yield name, part


def equivariance(
    module: Classifier, pictures_NCHW: Tensor, *, shifts: Sequence[int] = (1, 2, 4, 8)
) -> list[Equivariance]:
    """How far every layer's map moves with the picture, to the right; computed in float64.

    By `shifts`, and by a whole step of each map where that is no more than the largest of them.
    """
    double = copy.deepcopy(module).double().eval()
    maps = _maps(double, pictures_NCHW)
    jumps = _jumps(double, maps, width=pictures_NCHW.shape[-1])
    errors: dict[str, dict[int, float]] = {name: {} for name in maps}
    for shift in sorted({*shifts, *(jump for jump in jumps.values() if jump <= max(shifts))}):
        noisy_maps = _maps(double, _noise_at_borders(pictures_NCHW, shift))
        shifted_maps = _maps(double, torch.roll(pictures_NCHW, shift, -1))
        for name, jump in jumps.items():
            plain, step = maps[name].output, round(shift / jump)
            inside = _inside(noisy_maps[name].output != plain, step)
            if inside is not None:
                moved = torch.roll(plain, step, -1)
                difference = (shifted_maps[name].output - moved)[..., inside].abs().max()
                errors[name][shift] = float(difference / plain.abs().max().clamp(min=1e-30))
    return [
        Equivariance(name, jumps[name], errors=by_shift)
        for name, by_shift in errors.items()
        if by_shift
    ]


def _maps(module: Classifier, pixels_NCHW: Tensor) -> dict[str, Recorded]:
    """The output of every layer that gives feature maps, in float64."""
    with recorded(dict(mapping_layers(module.layers))) as outputs, torch.inference_mode():
        module.layers((pixels_NCHW.double() - module.mean) / module.std)
    return {name: of_layer[-1] for name, of_layer in outputs.items()}


def _stride(layer: nn.Module, recorded_map: Recorded) -> int:
    """The layer's horizontal stride."""
    if isinstance(layer, ResidualBlock):
        return round(recorded_map.in_width / recorded_map.output.shape[-1])
    stride = layer.window.stride if isinstance(layer, Local2d) else layer.stride
    return int(stride if isinstance(stride, int) else stride[-1])  # type: ignore[index]


def _jumps(module: Classifier, maps: dict[str, Recorded], *, width: int) -> dict[str, int]:
    """Input pixels per step of each map: the product of the strides on the way to it."""
    layers = dict(mapping_layers(module.layers))
    by_width = {width: 1}
    jumps = {}
    for name, its_map in maps.items():
        nearest = min(by_width, key=lambda width: abs(width - its_map.in_width))
        jumps[name] = by_width[nearest] * _stride(layers[name], its_map)
        by_width.setdefault(its_map.output.shape[-1], jumps[name])
    return jumps


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
