"""What the filters of a trained detector look for, and that each serves the whole picture."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...network.build import Classifier
from ..pictures import brightness_map, row_markup
from ..section import Claim, Figure, Section, Table, verdict
from ..sharing import edges

Pixels = npt.NDArray[np.uint8]
STRONGEST = 9
"""Patches shown per filter; positions are taken from as many times `SPREAD`."""
SPREAD = 8
PLACES = ("first", "middle", "last")


@dataclass(frozen=True)
class Fired:
    """Where one filter answered most strongly: pictures, and places (0 to 1, down and right).

    `patches` are pixels around the strongest places. `spread`: mean standard deviation of the
    places, down and right, as a share of that of places spread evenly over the picture (1 / √12).
    """

    layer: str
    filter: int
    _: KW_ONLY
    pictures: list[int]
    places: list[tuple[float, float]]
    patches: list[Pixels]
    spread: float


def convolutions(module: Classifier) -> list[tuple[str, nn.Conv2d]]:
    """The first, a middle and the last convolution with a kernel above 1×1."""
    found = [
        (name, part)
        for name, part in module.layers.named_modules()
        if isinstance(part, nn.Conv2d) and max(part.kernel_size) > 1
    ]
    places = sorted({0, len(found) // 2, len(found) - 1}) if found else []
    return [found[place] for place in places]


def maps_of(
    module: Classifier, layer: nn.Module, *, pictures_NHWC: Pixels, group: int = 32
) -> Tensor:
    """A layer's output [N, C, H, W] for uint8 pictures."""
    kept: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _m, _i, out: kept.append(out.detach()))
    module.eval()
    try:
        with torch.inference_mode():
            for first in range(0, len(pictures_NHWC), group):
                pixels = torch.from_numpy(pictures_NHWC[first : first + group])
                normal = (pixels.permute(0, 3, 1, 2).float() / 255 - module.mean) / module.std
                module.layers(normal)
    finally:
        hook.remove()
    return torch.cat(kept)


def strongest(
    module: Classifier,
    name: str,
    *,
    layer: nn.Module,
    pictures_NHWC: Pixels,
    field: int,
    filters: int = 6,
) -> list[Fired]:
    """For the filters that vary most over the pictures: their strongest places, one per picture.

    `field` is the side in pixels of what an output sees; patches are that large.
    """
    maps = maps_of(module, layer, pictures_NHWC=pictures_NHWC)
    count, _, height, width = maps.shape
    peaks, at = maps.flatten(2).max(2)
    chosen = peaks.std(0).argsort(descending=True)[:filters].tolist() if count > 1 else [0]
    out = []
    for number in sorted(chosen):
        rows = peaks[:, number].argsort(descending=True)[: STRONGEST * SPREAD].tolist()
        cells = [divmod(int(at[row, number]), width) for row in rows]
        places = [((y + 0.5) / height, (x + 0.5) / width) for y, x in cells]
        patches = [
            cut(pictures_NHWC[row], place, side=field)
            for row, place in zip(rows[:STRONGEST], places, strict=False)
        ]
        spread = float(np.std(places, 0).mean() * 12**0.5) if len(places) > 1 else 0.0
        out.append(
            Fired(name, number, pictures=rows, places=places, patches=patches, spread=spread)
        )
    return out


def cut(picture_HWC: Pixels, place: tuple[float, float], *, side: int) -> Pixels:
    """The square of pixels about a place; beyond the border, the border's own colour."""
    height, width = picture_HWC.shape[:2]
    side = min(side, height, width)
    top, left = (
        round(share * length - side / 2)
        for share, length in zip(place, (height, width), strict=True)
    )
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    patch: Pixels = picture_HWC[np.ix_(rows, columns)]
    return patch


def learned(layer: nn.Conv2d) -> list[Pixels]:
    """The filters of a first convolution [3, K, K] as colour pictures, each on its own range."""
    found = []
    for weights in layer.weight.detach():
        low, high = float(weights.min()), float(weights.max())
        scaled = (weights - low) / max(high - low, 1e-12) * 255
        found.append(scaled.permute(1, 2, 0).round().to(torch.uint8).numpy())
    return found


def section(module: Classifier, pictures_NHWC: Pixels, *, fields: dict[str, int]) -> Section:
    """Edges on one of the pictures, learned filters, strongest patches and where they stand.

    `pictures_NHWC` are as the network takes them; `fields[layer]`: side of what an output sees.
    """
    one = pictures_NHWC[0]
    maps = edges(one)
    figures = [
        Figure(
            "A picture, its vertical edges and its horizontal edges: the same nine numbers slid "
            "over all of it.",
            row_markup([one, *(brightness_map(np.abs(found)) for found in maps.values())], 200),
        )
    ]
    rows, data, spreads = [], [], []
    for place, (name, layer) in zip(PLACES, convolutions(module), strict=False):
        if place == PLACES[0] and layer.in_channels == 3:
            caption = f"The filters that the first convolution ({name}) has learned."
            figures.append(Figure(caption, row_markup(learned(layer)[:24], 40)))
            answer = maps_of(module, layer, pictures_NHWC=pictures_NHWC[:1])[0]
            loudest = answer.flatten(1).std(1).argsort(descending=True)[:4].tolist()
            fires = [brightness_map(answer[k].abs()) for k in loudest]
            figures.append(
                Figure("Where four of them fire on that picture.", row_markup(fires, 150))
            )
        found = strongest(
            module, name, layer=layer, pictures_NHWC=pictures_NHWC, field=fields.get(name, 24)
        )
        for fired in found:
            spreads.append(fired.spread)
            rows.append([f"{place} ({name})", str(fired.filter), f"{100 * fired.spread:.0f} %"])
            data.append(
                {
                    "layer": name,
                    "filter": fired.filter,
                    "spread": fired.spread,
                    "places": fired.places,
                }
            )
        side = fields.get(name, 24)
        patches = [row_markup(fired.patches, 64) for fired in found]
        figures.append(
            Figure(
                f"{place} convolution ({name}): a row per filter, the patches of {side} pixels to "
                "which it answers most, each from another picture.",
                "".join(patches),
            )
        )
    usual = float(np.median(spreads)) if spreads else 0.0
    claim = Claim(
        "A feature detector that is useful in one place is useful in another",
        f"the strongest answers of a filter are spread over the picture {100 * usual:.0f} % as far "
        "as if they stood anywhere (median of the filters shown)",
        *verdict(100 * usual, 75, nearly=50, unit=" %"),
    )
    table = Table(
        "Spread of the places where a filter answers most strongly (100 %: anywhere alike)",
        ["convolution", "filter", "spread"],
        rows=rows,
    )
    return Section(
        "sharing",
        "Parameter sharing",
        claims=[claim],
        tables=[table],
        figures=figures,
        notes=(),
        data={"filters": data},
    )
