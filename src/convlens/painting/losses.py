"""How far a picture is from a painting's style and a photograph's content (Gatys et al. 2016).

Both are functions of sums over positions, and sums can be taken tile by tile. So the gradient in a
tile is that of the whole picture once the sums of all tiles are known, however large the picture.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .features import ALIGNED, StyleFeatures


def gram(maps_CHW: Tensor) -> Tensor:
    """Mean products [C, C] of the values of each two maps at the same place."""
    flat = maps_CHW.flatten(1)
    return flat @ flat.T / flat.shape[1]


def style_targets(
    features: StyleFeatures, paintings: Sequence[Tensor], weights: Sequence[float]
) -> list[Tensor]:
    """Gram matrices of each level: the mean over paintings [1, 3, H, W], weighted."""
    mixed: list[Tensor] = []
    for painting, weight in zip(paintings, weights, strict=True):
        height, width = (side // ALIGNED * ALIGNED for side in painting.shape[-2:])
        with torch.no_grad():
            maps = features(painting[..., :height, :width])
        levels = [gram(level[0]) * (weight / sum(weights)) for level in maps]
        mixed = [a + b for a, b in zip(mixed, levels, strict=True)] if mixed else levels
    return mixed


class Span(NamedTuple):
    """Where a tile begins and ends, and from where to where it counts, from its beginning."""

    begin: int
    end: int
    first: int
    last: int


Box = tuple[Span, Span]
"""A tile: its rows and its columns."""


def boxes(height: int, width: int, *, tile: int, reach: int) -> list[Box]:
    """Tiles that cover a picture, each with what lies within `reach` of what it counts."""
    return [(y, x) for y in _spans(height, tile, reach) for x in _spans(width, tile, reach)]


def _spans(length: int, tile: int, reach: int) -> Iterator[Span]:
    for begin in range(0, length, tile):
        end = min(begin + tile, length)
        low, high = max(0, begin - reach), min(length, end + reach)
        yield Span(low, high, begin - low, end - low)


def _cut(picture_NCHW: Tensor, box: Box) -> Tensor:
    return picture_NCHW[..., box[0].begin : box[0].end, box[1].begin : box[1].end]


def _counted(maps_NCHW: Tensor, box: Box) -> Tensor:
    """The part of a tile's maps [C, h × w] that no other tile counts."""
    stride = (box[0].end - box[0].begin) // maps_NCHW.shape[-2]
    y, x = (slice(span.first // stride, span.last // stride) for span in box)
    return maps_NCHW[0, :, y, x].flatten(1)


class PaintLoss:
    """Style loss + `content` × content loss of a picture.

    Of each level, the style loss is the squared distance of Gram matrices relative to the target's
    squares, where each map counts by its own power: else a few strong maps decide all. The content
    loss is that of the last maps relative to their variance over the photograph. Both are 0 at
    best.

    Args:
        features: What pictures are compared in.
        targets: A Gram matrix of each level, as of `style_targets`.
        content: Weight of the content loss.
    """

    def __init__(
        self, features: StyleFeatures, targets: Sequence[Tensor], *, content: float
    ) -> None:
        self.features, self.targets, self.content = features, targets, content

    def _sums(self, box: Box, picture: Tensor, photo: Tensor, mask: Tensor) -> list[Tensor]:
        """Over one tile: weights and products of each level, and what the content loss is of."""
        with torch.no_grad():
            wanted = _counted(self.features(photo)[-1], box)
        maps, out = self.features(picture), []
        for level in maps:
            weights = _counted(functional.adaptive_avg_pool2d(mask, level.shape[-2:]), box)[0]
            flat = _counted(level, box)
            out += [weights.sum(), (flat * weights) @ flat.T]
        error = (_counted(maps[-1], box) - wanted).square().sum()
        places = torch.tensor(float(wanted.shape[1]))
        return [*out, error, wanted.square().sum(), wanted.sum(1), places]

    def _parts(self, sums: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """(style loss, content loss) from the sums over all tiles."""
        *levels, error, squares, totals, places = sums
        style = torch.zeros(())
        for weight, products, target in zip(levels[::2], levels[1::2], self.targets, strict=True):
            power = target.diagonal() + 1e-3 * target.diagonal().mean()
            scale = torch.outer(power, power).rsqrt()
            distance = ((products / weight.clamp(min=1e-6) - target) * scale).square().sum()
            style = style + distance / (target * scale).square().sum() / len(self.targets)
        variance = squares - totals.square().sum() / places
        return style, error / variance.clamp(min=1e-6)

    def gradient(
        self, picture_NCHW: Tensor, photo_NCHW: Tensor, mask: Tensor, tiles: Sequence[Box]
    ) -> tuple[Tensor, float, float]:
        """The loss's gradient, shaped as the picture, and the two losses.

        `mask` [1, 1, H, W] weighs positions in the style loss. Sides are multiples of 16.
        """
        gradient, inputs = torch.zeros_like(picture_NCHW), (photo_NCHW, mask)
        derivatives: Sequence[Tensor] = ()
        if len(tiles) > 1:
            total: list[Tensor] = []
            with torch.no_grad():
                for box in tiles:
                    cut = (_cut(part, box) for part in (picture_NCHW, *inputs))
                    sums = self._sums(box, *cut)
                    total = [a + b for a, b in zip(total, sums, strict=True)] if total else sums
            style, content = self._parts([part.requires_grad_() for part in total])
            derivatives = torch.autograd.grad(style + self.content * content, total)
        for box in tiles:
            leaf = _cut(picture_NCHW, box).detach().clone().requires_grad_()
            sums = self._sums(box, leaf, *(_cut(part, box) for part in inputs))
            if derivatives:
                known = [pair for pair in zip(sums, derivatives, strict=True) if pair[0].grad_fn]
                torch.autograd.backward([s for s, _ in known], [d for _, d in known])
            else:
                style, content = self._parts(sums)
                torch.autograd.backward(style + self.content * content)
            assert leaf.grad is not None  # noqa: S101
            _cut(gradient, box).add_(leaf.grad)
        return gradient, style.item(), content.item()
