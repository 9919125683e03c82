"""How far a picture is from a painting's style and a photograph's content (Gatys et al. 2016).

Both are functions of sums over positions, and sums can be taken tile by tile, whose maps are
computed once more for the gradient: so memory for them does not grow with the picture.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from .features import ALIGNED, StyleFeatures
from .tiles import Tile, tiles

TILE = 768
"""Side of the tiles; a smaller picture is computed as a whole."""
CONTENT = 0.05
"""Weight of the content loss where `strength` is 1."""
SMOOTHNESS = 10.0
"""Weight of the mean squared differences of neighbouring pixels."""


def gram(maps_CHW: Tensor) -> Tensor:
    """Mean products [C, C] of the values of each two maps at the same place."""
    flat = maps_CHW.flatten(1)
    return flat @ flat.T / flat.shape[1]


@torch.no_grad()
def style_targets(
    features: StyleFeatures, paintings: Sequence[Tensor], weights: Sequence[float]
) -> list[Tensor]:
    """Gram matrices of each level: the mean over paintings [1, 3, H, W], weighted."""
    mixed: list[Tensor] = []
    for painting, weight in zip(paintings, weights, strict=True):
        height, width = (side // ALIGNED * ALIGNED for side in painting.shape[-2:])
        maps = features(painting[..., :height, :width])
        levels = [gram(level[0]) * (weight / sum(weights)) for level in maps]
        mixed = [a + b for a, b in zip(mixed, levels, strict=True)] if mixed else levels
    return mixed


def _own(maps_NCHW: Tensor, y: Tile, x: Tile) -> Tensor:
    """The part of a tile's maps [C, h × w] that no other tile counts."""
    stride = (y.seen.stop - y.seen.start) // maps_NCHW.shape[-2]
    return maps_NCHW[0, :, y.inside(stride), x.inside(stride)].flatten(1)


class PaintLoss:
    """What painting lowers: style loss, content loss and roughness of a picture, all 0 at best.

    Of each level, the style loss is the squared distance of Gram matrices relative to the target's
    squares, where each map counts by its own power: else a few strong maps decide all. The content
    loss is that of the last maps relative to their variance over the photograph.

    Args:
        features: What pictures are compared in.
        targets: A Gram matrix of each level, as of `style_targets`.
        strength: Divides the weight of the content.
        tile: Side of the tiles, a multiple of 8.
    """

    def __init__(
        self,
        features: StyleFeatures,
        targets: Sequence[Tensor],
        *,
        strength: float = 1.0,
        tile: int = TILE,
    ) -> None:
        self.features, self.targets, self.tile = features, targets, tile
        self.content = CONTENT / strength

    def __call__(
        self, picture_NCHW: Tensor, photo_NCHW: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(all of it, style loss, content loss) of a picture whose sides 8 divides.

        `mask` [1, 1, H, W] weighs positions in the style loss.
        """
        mask = torch.ones_like(photo_NCHW[:, :1]) if mask is None else mask
        height, width = picture_NCHW.shape[-2:]
        tiled = max(height, width) > self.tile
        size = {"side": self.tile, "reach": self.features.reach if tiled else 0}
        compute: Callable[..., list[Tensor]] = self._sums
        if tiled:
            compute = partial(checkpoint, self._sums, use_reentrant=False)
        total: list[Tensor] = []
        for y in tiles(height, **size):
            rows = [part[..., y.seen, :] for part in (picture_NCHW, photo_NCHW, mask)]
            for x in tiles(width, **size):
                sums = compute(y, x, *(part[..., x.seen] for part in rows))
                total = [a + b for a, b in zip(total, sums, strict=True)] if total else sums
        style, content = self._losses(total)
        rough = [picture_NCHW.diff(dim=axis).square().mean() for axis in (-2, -1)]
        return style + self.content * content + SMOOTHNESS * sum(rough), style, content

    def _sums(self, y: Tile, x: Tile, picture: Tensor, photo: Tensor, mask: Tensor) -> list[Tensor]:
        """Over one tile: weights and products of each level, and what the content loss is of."""
        wanted = _own(self.features(photo)[-1], y, x)
        maps, out = self.features(picture), []
        for level in maps:
            weights = _own(functional.adaptive_avg_pool2d(mask, level.shape[-2:]), y, x)[0]
            flat = _own(level, y, x)
            out += [weights.sum(), (flat * weights) @ flat.T]
        error = (_own(maps[-1], y, x) - wanted).square().sum()
        places = torch.tensor(float(wanted.shape[1]))
        return [*out, error, wanted.square().sum(), wanted.sum(1), places]

    def _losses(self, sums: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """From the sums over all tiles."""
        *levels, error, squares, totals, places = sums
        style = torch.zeros(())
        for weight, products, target in zip(levels[::2], levels[1::2], self.targets, strict=True):
            power = target.diagonal() + 1e-3 * target.diagonal().mean()
            scale = torch.outer(power, power).rsqrt()
            distance = ((products / weight.clamp(min=1e-6) - target) * scale).square().sum()
            style = style + distance / (target * scale).square().sum() / len(self.targets)
        variance = squares - totals.square().sum() / places
        return style, error / variance.clamp(min=1e-6)
