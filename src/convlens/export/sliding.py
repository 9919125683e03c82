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
    """

    def __init__(self, module: Classifier, features: nn.Module, *, head: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.features = features
        self.head = head

    def forward(self, pixels_NCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features of every window, as outside of training."""
        normal = (pixels_NCHW - self.module.mean) / self.module.std
        features: Tensor = self.features(normal)
        if self.module.tta_hflip:
            features = (features + self.features(normal.flip(-1)).flip(-1)) / 2
        return self.head(features) / self.module.temperature, features

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
        return None if layers is None else Sliding(module, layers, head=nn.Identity()).eval()
    return _published(module, size)


class _Pooled(nn.Module):
    """A published architecture's maps, averaged over each window, and normalised if it does so.

    Of joined ones there is a pooling for the maps of each.
    """

    def __init__(self, layers: BackboneWithHead, pools: Iterable[nn.Module]) -> None:
        super().__init__()
        self.layers = layers
        self.pools = nn.ModuleList(pools)

    def forward(self, normal_NCHW: Tensor) -> Tensor:
        maps = _of_each(self.layers, normal_NCHW)
        pooled = [pool(own) for pool, own in zip(self.pools, maps, strict=True)]
        return torch.cat(pooled, 1) if len(pooled) > 1 else pooled[0]


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
    return Sliding(module, _Pooled(layers, found), head=_dense(layers.head, (1, 1)))


def _pool_of(backbone: nn.Module, maps: Any) -> nn.Module | None:
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
            convolutions.append(nn.AvgPool2d(side, 1))
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
