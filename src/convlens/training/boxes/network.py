"""The network: a pretrained backbone, a pyramid of its maps, and a head for all of these."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .points import turned_back
from .strides import STRIDES

CHANNELS, DEPTH = 64, 2
"""Of each map of the pyramid, and layers of the head."""
PRIOR = 0.01
"""Probability of a class at any point before training: the many points without an object would
otherwise decide about its beginning (Lin et al. 2017)."""
FROZEN = 2
"""Stages of the backbone that stay as they are, after its first layer: edges and textures."""
MICRO_BATCH = 8


class ConvNormReLU(nn.Sequential):
    """[N, C, H, W] to [N, C', H / stride, W / stride]."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Pyramid(nn.Module):
    """Maps of several strides to as many that see far and fine (Lin et al. 2017, Liu et al. 2018).

    What the coarse ones know goes down to the fine ones, and up again. They come finest first.
    """

    def __init__(self, inputs: Sequence[int], channels: int = CHANNELS) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(ConvNormReLU(n, channels, kernel=1) for n in inputs)
        self.smooth = nn.ModuleList(ConvNormReLU(channels, channels, kernel=3) for _ in inputs)
        self.up = nn.ModuleList(
            ConvNormReLU(channels, channels, kernel=3, stride=2) for _ in inputs[1:]
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps [N, C, H, W] of the backbone, C as `inputs` has it, to maps of equal depth."""
        out = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for fine in reversed(range(len(out) - 1)):
            out[fine] = out[fine] + functional.interpolate(out[fine + 1], scale_factor=2.0)
        out[0] = self.smooth[0](out[0])
        for coarse, up in enumerate(self.up, 1):
            out[coarse] = self.smooth[coarse](out[coarse] + up(out[coarse - 1]))
        return out


class Head(nn.Module):
    """What maps [N, C, H, W] say at each of their points, one map's after another's: [N, P, 4 + K].

    Distances from the point to a box's left, top, right and bottom edges, in strides, and a logit
    for each class (Tian et al. 2019). Filters are the same for all maps, so that each learns from
    objects of every size; normalisations, and how large boxes are, are a map's own (Lyu et al.
    2022).

    Args:
        classes: K.
        sides: Of the boxes that each map has everywhere before training, in strides.
        channels: C.
    """

    def __init__(self, classes: int, *, sides: Sequence[float], channels: int = CHANNELS) -> None:
        super().__init__()
        self.of_boxes, self.of_classes = (
            nn.ModuleList(
                nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(DEPTH)
            )
            for _ in range(2)
        )
        self.norms_of_boxes, self.norms_of_classes = (
            nn.ModuleList(
                nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(DEPTH)) for _ in sides
            )
            for _ in range(2)
        )
        self.distances = nn.Conv2d(channels, 4, 1)
        self.logits = nn.Conv2d(channels, classes, 1)
        for layer in (self.distances, self.logits):
            nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(self.distances.bias)  # type: ignore[arg-type]
        nn.init.constant_(self.logits.bias, torch.tensor(PRIOR).logit().item())  # type: ignore[arg-type]
        to_edge = torch.tensor(list(sides)) / 2
        self.to_edges = nn.Parameter(to_edge.expm1().log()[:, None].repeat(1, 4))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """The maps of the pyramid, the finest first."""
        said = []
        for level, x in enumerate(maps):
            of_boxes = _through(x, self.of_boxes, self.norms_of_boxes[level])
            of_classes = _through(x, self.of_classes, self.norms_of_classes[level])
            to_edges = self.to_edges[level].view(1, 4, 1, 1)
            distances = functional.softplus(self.distances(of_boxes) + to_edges)
            said.append(torch.cat((distances, self.logits(of_classes)), 1).flatten(2))
        return torch.cat(said, 2).transpose(1, 2)


def _through(x_NCHW: Tensor, convolutions: nn.ModuleList, norms: Any) -> Tensor:
    for convolution, norm in zip(convolutions, norms, strict=True):
        x_NCHW = functional.relu(norm(convolution(x_NCHW)), inplace=True)
    return x_NCHW


class BoxNetwork(nn.Module):
    """Float pixels 0 to 1 [N, 3, H, W] to [N, P, 4 + K]: what `Head` says at P points.

    The points are `grid_points`' for pictures of this size, of which both sides are multiples of
    the largest stride. With `tta_hflip` (test-time augmentation) what is said, outside of training,
    is the mean over the picture and its mirror image.

    Args:
        backbone: Normalised pixels to maps at `STRIDES`, the finest first.
        inputs: The depths of these maps.
        classes: K.
        sides: Of the boxes that each map has everywhere before training, in pixels: where these are
            about as large as objects, points find out sooner which of them is theirs.
        mean: Of each channel of the pixels that the backbone takes.
        std: Their deviations.
        tta_hflip: Whether mirror images count too.
    """

    pretrained = False
    micro_batch = MICRO_BATCH

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        inputs: Sequence[int],
        *,
        classes: int,
        sides: Sequence[float],
        mean: Iterable[float] = (0.0, 0.0, 0.0),
        std: Iterable[float] = (1.0, 1.0, 1.0),
        tta_hflip: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.tta_hflip = tta_hflip
        self.pyramid = Pyramid(inputs)
        in_strides = [side / stride for side, stride in zip(sides, STRIDES, strict=True)]
        self.head = Head(classes, sides=in_strides)
        self.register_buffer("mean", torch.tensor(list(mean)).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(list(std)).view(1, 3, 1, 1))

    def learnt(self) -> Iterable[nn.Parameter]:
        """The backbone's parameters: the others are new."""
        return self.backbone.parameters()

    def forward(self, pixels_NCHW: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, P, 4 + K]."""
        normal = (pixels_NCHW - self.mean) / self.std
        said = self._said(normal)
        if self.training or not self.tta_hflip:
            return said
        height, width = map(int, normal.shape[-2:])  # numbers, where it is traced for export
        return (said + turned_back(self._said(normal.flip(-1)), height=height, width=width)) / 2

    def _said(self, normal_NCHW: Tensor) -> Tensor:
        said: Tensor = self.head(self.pyramid(self.backbone(normal_NCHW)))
        return said


def box_network(
    architecture: str,
    classes: int,
    *,
    sides: Sequence[float],
    parameters: Mapping[str, Tensor],
    seed: int,
    tta_hflip: bool = False,
) -> BoxNetwork:
    """One of timm's EfficientNets under a pyramid and heads that are new.

    Its normalisations are made part of its convolutions: a few pictures would spoil their
    statistics, and without them each step takes a third less.

    Args:
        architecture: timm's name.
        classes: K.
        sides: As `BoxNetwork` takes them.
        parameters: The backbone's, by timm's names; others are left out.
        seed: Of what is new.
        tta_hflip: As `BoxNetwork` takes it.

    Raises:
        RuntimeError: The parameters are of another architecture.
    """
    import timm

    backbone: Any = timm.create_model(
        architecture, features_only=True, out_indices=tuple(range(2, 2 + len(STRIDES)))
    )
    own = backbone.state_dict()
    backbone.load_state_dict({name: value for name, value in parameters.items() if name in own})
    _without_normalisation(backbone.eval())
    for part in (backbone.conv_stem, *backbone.blocks[:FROZEN]):
        part.requires_grad_(False)
    config = timm.get_pretrained_cfg(architecture)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return BoxNetwork(
            backbone,
            backbone.feature_info.channels(),
            classes=classes,
            sides=sides,
            mean=config.mean,
            std=config.std,
            tta_hflip=tta_hflip,
        )


def _without_normalisation(backbone: Any) -> None:
    """Make every normalisation a part of the convolution before it; activations stay."""
    for part in [backbone, *(block for stage in backbone.blocks for block in stage)]:
        layers = list(part.named_children())
        for (name, conv), (norm_name, norm) in pairwise(layers):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(part, name, fuse_conv_bn_eval(conv, norm))
                setattr(part, norm_name, getattr(norm, "act", nn.Identity()))
