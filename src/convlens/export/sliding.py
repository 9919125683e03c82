"""A trained network as a convolution over pictures of any size: an answer for every window.

A dense layer that sees h×w maps is a convolution with an h×w kernel, and global pooling is pooling
over a window of that size. So one pass over a large picture answers for each window that the
network would otherwise see cut out by itself, and neighbours share what they have in common
(Sermanet et al. 2014, OverFeat).
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..network.backbone import BackboneWithHead
from ..network.classifier import Classifier
from ..network.joined import Joined
from ..network.local2d import Local2d

_FAR = 6720
"""A distance in pixels that every usual stride divides."""
_SAME = 1e-3
"""Difference of logits up to which a network and its form as a convolution count as one."""

Slides: TypeAlias = dict[str, Any]


class Sliding(nn.Module):
    """Float pixels [N, 3, H, W] to logits [N, K, h, w] and the features [N, D, h, w] under them.

    At the network's own size, h = w = 1 and the logits are the network's. The module's parameters
    are shared, not copied. Each window and its mirror image count alike where the module
    has `tta_hflip`.

    `pool` averages the last maps over each window, and `head` makes logits of that. `unpooled`,
    where there is one, makes of the maps what has that for its mean: see `class_maps`.
    """

    def __init__(
        self,
        module: Classifier,
        maps: nn.Module,
        *,
        pool: nn.Module,
        head: nn.Module,
        unpooled: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.module = module
        self.maps = maps
        self.pool = pool
        self.head = head
        self.unpooled = unpooled

    def forward(self, pixels_NCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features of every window, as outside of training."""
        return self.answer(self.views(pixels_NCHW))

    def views(self, pixels_NCHW: Tensor) -> list[Any]:
        """The last maps of the picture, and of its mirror image where that counts."""
        normal = (pixels_NCHW - self.module.mean) / self.module.std
        mirrored = [normal.flip(-1)] if self.module.tta_hflip else []
        return [self.maps(view) for view in (normal, *mirrored)]

    def answer(self, views: list[Any]) -> tuple[Tensor, Tensor]:
        """Logits and features of every window from these maps."""
        features = _mean([self.pool(maps) for maps in views])
        return self.head(features) / self.module.temperature, features

    def class_maps(self, views: list[Any]) -> Tensor | None:
        """What each place of the maps adds to each logit [N, K, h, w]; their mean is the logits.

        Class activation maps (Zhou et al. 2016). None where what follows the pooling is not linear.
        """
        if self.unpooled is None:
            return None
        maps: Tensor = self.head(_mean([self.unpooled(maps) for maps in views]))
        return maps / self.module.temperature

    def slides(self, size: int) -> Slides:
        """What a reader of the file needs to know of it, for a network that sees `size` pixels.

        `stride`: pixels from one window to the next. `multiplications`: of one pass with 1 or 2
        windows down (rows) and across (columns); any other number lies on the same plane, since
        each layer's height and width grow by equal steps.
        """
        (logits, _), _ = counted_pass(self, size + _FAR, size)
        stride = round(_FAR / (logits.shape[2] - 1))
        sides = (size, size + stride)
        counted = [[counted_pass(self, down, across)[1] for across in sides] for down in sides]
        return {"stride": stride, "multiplications": counted}


def _mean(views: list[Tensor]) -> Tensor:
    """Of a picture's values, and of its mirror image's turned back, if there are such."""
    return (views[0] + views[1].flip(-1)) / 2 if len(views) > 1 else views[0]


@torch.inference_mode()
def counted_pass(module: nn.Module, height: int, width: int) -> tuple[Any, int]:
    """What a module gives for one picture, as shapes alone, and its multiplications for that."""
    from torch.utils.flop_counter import FlopCounterMode  # brings Triton

    shapes = _without_normalisation(deepcopy(module).to("meta").eval())
    with FlopCounterMode(display=False) as counter:
        output = shapes(torch.empty(1, 3, height, width, device="meta"))
    return output, counter.get_total_flops() // 2


def _without_normalisation(module: nn.Module) -> nn.Module:
    """The same shapes and products in a third of the time: PyTorch works out in Python what comes
    of normalisation without numbers."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.modules.batchnorm._BatchNorm):
                setattr(parent, name, nn.Identity())
    return module


def sliding(module: Classifier, size: int) -> Sliding | None:
    """The network as a convolution; None where it cannot be one.

    That is where a layer has weights of its own for each position, or where nothing but the
    picture's full size will do.
    """
    if isinstance(module.layers, nn.Sequential):
        layers = _as_convolutions(module.layers, size)
        return None if layers is None else _written(module, layers)
    return _published(module, size)


def _written(module: Classifier, layers: nn.Sequential) -> Sliding:
    """A network as text: what comes before its last pooling of whole maps, and the rest."""
    ends = [k for k, layer in enumerate(layers) if isinstance(layer, _GlobalPool)]
    if not ends:
        return Sliding(module, layers, pool=nn.Identity(), head=nn.Identity()).eval()
    at, after = ends[-1], layers[ends[-1] + 1 :]
    linear = all(isinstance(layer, _LINEAR) for layer in after)
    return Sliding(
        module,
        layers[:at],
        pool=layers[at:],
        head=nn.Identity(),
        unpooled=after if linear else None,
    ).eval()


class _GlobalPool(nn.AvgPool2d):
    """The mean of a window's maps."""


_LINEAR = (nn.Conv2d, nn.BatchNorm2d, nn.Dropout, nn.Identity)
"""Layers that make of a mean what they make of its parts, averaged, as outside of training."""


class _Maps(nn.Module):
    """A published architecture's last maps; of joined ones, those of each."""

    def __init__(self, layers: BackboneWithHead) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, normal_NCHW: Tensor) -> tuple[Any, ...]:
        return _of_each(self.layers, normal_NCHW)


class _Each(nn.Module):
    """A module for the maps of each joined architecture, and their channels side by side."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        super().__init__()
        self.each = nn.ModuleList(modules)

    def forward(self, maps: tuple[Tensor, ...]) -> Tensor:
        out = [module(own) for module, own in zip(self.each, maps, strict=True)]
        return torch.cat(out, 1) if len(out) > 1 else out[0]


class _NormBeforePool(nn.Module):
    """Each place's share in the normalised mean of maps: their mean is what `norm` makes of it."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x_NCHW: Tensor) -> Tensor:
        norm = self.norm
        centred = x_NCHW - x_NCHW.mean(1, keepdim=True)
        variance = centred.mean((2, 3), keepdim=True).square().mean(1, keepdim=True)
        normal = centred / (variance + norm.eps).sqrt()
        return normal * norm.weight[:, None, None] + norm.bias[:, None, None]


def _of_each(layers: BackboneWithHead, normal_NCHW: Tensor) -> tuple[Any, ...]:
    """The maps of each backbone."""
    maps = layers.maps(normal_NCHW)
    return maps if isinstance(layers.backbone, Joined) else (maps,)


class _ResponseNorm(nn.Module):
    """Torch's, written without the picture's size, which its own form puts into the file."""

    def __init__(self, norm: nn.LocalResponseNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x_NCHW: Tensor) -> Tensor:
        norm, channels = self.norm, x_NCHW.shape[1]
        before = norm.size // 2
        around = functional.pad(x_NCHW.square(), (0, 0, 0, 0, before, norm.size - 1 - before))
        sums = sum((around[:, n : n + channels] for n in range(norm.size)), torch.zeros(()))
        return x_NCHW / (norm.k + norm.alpha / norm.size * sums) ** norm.beta


@torch.no_grad()
def _published(module: Classifier, size: int) -> Sliding | None:
    """One of timm's: if its maps, averaged, perhaps normalised, and a dense layer are all of it."""
    layers = module.layers.eval()
    if not isinstance(layers, BackboneWithHead) or layers.one_side:
        return None
    noise = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    pools = [
        _pool_of(backbone, maps)
        for backbone, maps in zip(layers.parts.values(), _of_each(layers, noise), strict=True)
    ]
    found = [pool for pool in pools if pool is not None]
    if len(found) < len(pools) or not _in_step(layers, size):
        return None
    norms = [pool[1] for pool in found]
    exact = all(isinstance(norm, nn.LayerNorm | nn.Identity) for norm in norms)
    each = [_NormBeforePool(n) if isinstance(n, nn.LayerNorm) else n for n in norms]
    return Sliding(
        module,
        _Maps(layers),
        pool=_Each(found),
        head=_dense(layers.head, (1, 1)),
        unpooled=_Each(each) if exact else None,
    )


def _pool_of(backbone: nn.Module, maps: Any) -> nn.Sequential | None:
    """What makes features of every window's maps, if that is their mean, perhaps normalised."""
    if not isinstance(maps, Tensor) or maps.ndim != 4:
        return None
    features: Tensor = backbone.forward_head(maps, pre_logits=True).flatten(1)  # type: ignore[operator]
    if maps.shape[1] != features.shape[1]:
        return None
    mean = maps.mean((2, 3), keepdim=True)
    own = getattr(getattr(backbone, "head", None), "norm", None)
    for norm in (nn.Identity(), own):  # ConvNeXt normalises behind its pooling
        if norm is not None and torch.allclose(norm(mean).flatten(1), features, atol=_SAME):
            return nn.Sequential(nn.AvgPool2d((maps.shape[2], maps.shape[3]), 1), norm)
    return None


def _in_step(layers: BackboneWithHead, size: int) -> bool:
    """Whether the maps of all backbones grow alike, so that their windows are the same ones."""
    if not isinstance(layers.backbone, Joined):
        return True
    shapes = deepcopy(layers).to("meta")
    wide = torch.empty(1, 3, size, size + _FAR, device="meta")
    return len({maps.shape[2:] for maps in _of_each(shapes, wide)}) == 1


@torch.no_grad()
def _as_convolutions(layers: Iterable[nn.Module], size: int) -> nn.Sequential | None:
    """Of a network that was written as text, each layer by itself."""
    convolutions: list[nn.Module] = []
    at = torch.empty(1, 3, size, size)
    for layer in layers:
        parts = list(layer.modules())
        if any(isinstance(part, Local2d | nn.Unflatten) for part in parts):
            return None
        side = (at.shape[2], at.shape[3]) if at.ndim == 4 else (1, 1)
        linear = next((part for part in parts if isinstance(part, nn.Linear)), None)
        if linear is not None:
            if side == (size, size):
                return None
            convolutions.append(_dense(linear, side))
        elif any(isinstance(part, nn.AdaptiveAvgPool2d) for part in parts):
            convolutions.append(_GlobalPool(side, 1))
        elif isinstance(layer, nn.LocalResponseNorm):
            convolutions.append(_ResponseNorm(layer))
        elif isinstance(layer, nn.BatchNorm1d):
            convolutions.append(_per_map(layer))
        else:
            convolutions.append(layer)
        at = layer.eval()(at)
    return nn.Sequential(*convolutions)


def _dense(linear: nn.Linear, side: tuple[int, int]) -> nn.Conv2d:
    """A dense layer on maps of this side, as the convolution that it is."""
    conv = nn.Conv2d(linear.in_features // (side[0] * side[1]), linear.out_features, side)
    conv.weight = nn.Parameter(linear.weight.detach().view_as(conv.weight), requires_grad=False)
    assert linear.bias is not None  # noqa: S101
    conv.bias = nn.Parameter(linear.bias.detach(), requires_grad=False)
    return conv


def _per_map(norm: nn.BatchNorm1d) -> nn.BatchNorm2d:
    """Normalisation of units, as one of maps."""
    maps = nn.BatchNorm2d(norm.num_features, norm.eps)
    maps.load_state_dict(norm.state_dict())
    return maps
