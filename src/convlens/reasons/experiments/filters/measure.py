"""What the filters of a trained detector look for, and where on pictures they answer most."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ....dataset.examples import to_float
from ....network.classifier import Classifier
from ..recording import recorded

Pixels = npt.NDArray[np.uint8]
STRONGEST = 9
"""Patches shown per filter; positions are taken from as many times `SPREAD`."""
SPREAD = 8
DEPTHS = ("first", "middle", "last")
FIELD = 24
"""Side length in pixels of patches where what an output sees is not known."""


@dataclass(frozen=True)
class Response:
    """Where one filter answered most strongly.

    `positions` are of the strongest answers, one per picture, as shares (0 to 1, down and right) of
    the picture; `patches` are the pixels around the first of them. `spread` is the mean standard
    deviation of the positions, as a share of that of positions spread evenly over the picture
    (1 / √12).
    """

    layer: str
    filter: int
    _: KW_ONLY
    positions: list[tuple[float, float]]
    patches: list[Pixels]
    spread: float


@dataclass(frozen=True)
class LayerResponses:
    """The responses of one convolution: the first, the middle or the last one.

    `field` is the side length in pixels of what an output sees.
    """

    depth: str
    layer: str
    _: KW_ONLY
    field: int
    responses: Sequence[Response]


@dataclass(frozen=True)
class FirstLayer:
    """The first convolution's filters as colour pictures, and its strongest maps [H, W]."""

    layer: str
    filters: list[Pixels]
    _: KW_ONLY
    maps: list[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Filters:
    """All that was measured, and one picture [H, W, 3].

    `first` is None where the first convolution sees no colours.
    """

    picture: Pixels
    first: FirstLayer | None
    _: KW_ONLY
    layers: Sequence[LayerResponses]


def measure(module: Classifier, pictures_NHWC: Pixels, *, fields: Mapping[str, int]) -> Filters:
    """Learned filters, and where the first, a middle and the last convolution answer most.

    Args:
        module: A trained network.
        pictures_NHWC: Pictures as the network takes them.
        fields: Side length in pixels of what an output of each layer sees.
    """
    convs = convolutions(module)
    first = next(
        (
            _first_layer(module, name, layer=layer, picture_NHWC=pictures_NHWC[:1])
            for name, layer in convs[:1]
            if layer.in_channels == 3
        ),
        None,
    )
    layers = []
    for depth, (name, layer) in zip(DEPTHS, convs, strict=False):
        field = fields.get(name, FIELD)
        responses = strongest(module, name, layer=layer, pictures_NHWC=pictures_NHWC, field=field)
        layers.append(LayerResponses(depth, name, field=field, responses=responses))
    return Filters(pictures_NHWC[0], first, layers=layers)


def convolutions(module: Classifier) -> list[tuple[str, nn.Conv2d]]:
    """The first, a middle and the last convolution with a kernel above 1×1."""
    convs = [
        (name, part)
        for name, part in module.layers.named_modules()
        if isinstance(part, nn.Conv2d) and max(part.kernel_size) > 1
    ]
    chosen = sorted({0, len(convs) // 2, len(convs) - 1}) if convs else []
    return [convs[index] for index in chosen]


def maps_of(
    module: Classifier, layer: nn.Module, *, pictures_NHWC: Pixels, micro_batch: int = 32
) -> Tensor:
    """A layer's output [N, C, H, W] for uint8 pictures."""
    module.eval()
    with recorded({"layer": layer}) as outputs, torch.inference_mode():
        for images_NHWC in torch.split(torch.from_numpy(pictures_NHWC), micro_batch):
            module.layers((to_float(images_NHWC) - module.mean) / module.std)
    return torch.cat([recorded_map.output for recorded_map in outputs["layer"]])


def strongest(
    module: Classifier,
    name: str,
    *,
    layer: nn.Module,
    pictures_NHWC: Pixels,
    field: int,
    filters: int = 6,
) -> list[Response]:
    """The responses of the filters that vary most over the pictures."""
    maps = maps_of(module, layer, pictures_NHWC=pictures_NHWC)
    count, _, height, width = maps.shape
    peaks_NC, cells_NC = maps.flatten(2).max(2)
    chosen = peaks_NC.std(0).argsort(descending=True)[:filters].tolist() if count > 1 else [0]
    responses = []
    for number in sorted(chosen):
        order = peaks_NC[:, number].argsort(descending=True)
        rows = order[: STRONGEST * SPREAD].tolist()
        cells = [divmod(int(cells_NC[row, number]), width) for row in rows]
        positions = [((y + 0.5) / height, (x + 0.5) / width) for y, x in cells]
        patches = [
            patch_at(pictures_NHWC[row], position, size=field)
            for row, position in zip(rows[:STRONGEST], positions, strict=False)
        ]
        spread = float(np.std(positions, 0).mean() * 12**0.5) if len(positions) > 1 else 0.0
        responses.append(
            Response(name, number, positions=positions, patches=patches, spread=spread)
        )
    return responses


def patch_at(picture_HWC: Pixels, position: tuple[float, float], *, size: int) -> Pixels:
    """The square of pixels around a position; beyond the border, the border's own colour."""
    height, width = picture_HWC.shape[:2]
    size = min(size, height, width)
    top, left = (
        round(share * length - size / 2)
        for share, length in zip(position, (height, width), strict=True)
    )
    rows = np.clip(np.arange(top, top + size), 0, height - 1)
    columns = np.clip(np.arange(left, left + size), 0, width - 1)
    patch: Pixels = picture_HWC[np.ix_(rows, columns)]
    return patch


def learned(layer: nn.Conv2d) -> list[Pixels]:
    """The filters of a first convolution [3, K, K] as colour pictures, each on its own range."""
    pictures = []
    for weights in layer.weight.detach():
        low, high = float(weights.min()), float(weights.max())
        scaled = (weights - low) / max(high - low, 1e-12) * 255
        pictures.append(scaled.permute(1, 2, 0).round().to(torch.uint8).numpy())
    return pictures


def _first_layer(
    module: Classifier, name: str, *, layer: nn.Conv2d, picture_NHWC: Pixels
) -> FirstLayer:
    maps_CHW = maps_of(module, layer, pictures_NHWC=picture_NHWC)[0]
    loudest = maps_CHW.flatten(1).std(1).argsort(descending=True)[:4].tolist()
    return FirstLayer(
        name, learned(layer)[:24], maps=[maps_CHW[channel].abs().numpy() for channel in loudest]
    )
