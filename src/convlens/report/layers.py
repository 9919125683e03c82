"""The report's look inside the network: a picture's maps, layer by layer, and filters' patches."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from PIL import Image

from ..detector.detector import Detector
from ..detector.inputs import pixels_of
from ..detector.inside.inside import Floats32, Inside
from ..drawing.thumbnails import data_uri, png, thumbnail
from ..errors import PictureError, UsageError
from ..parallel import in_order
from ..pictures.boxes.box import Box
from ..pictures.decode import RGB
from ..pictures.source import Source

PICTURES, MULTIPLICATIONS = 48, 10_000_000_000
"""Pictures in which patches are looked for, and what they may take; four are in any case."""
MAPS, FILTERS, PATCHES = 9, 3, 9
"""Of a layer: maps that are drawn, filters whose patches are, and patches of each."""
CELL, PATCH = 96, 64
"""Sides in pixels."""


def render_layers(file: bytes, sources: Sequence[Source]) -> str:
    """HTML on some layers of a detector, looked at with pictures; empty where there is nothing."""
    detector = Detector(file)
    try:
        inside = detector.inside
    except UsageError:
        return ""
    most = MULTIPLICATIONS // max(1, int(detector.metadata["multiplications"]))
    chosen = sources[: min(PICTURES, max(4, most))]
    images = [image for image in map(_image, chosen) if image is not None]
    if not images or not inside.layers:
        return ""
    import jinja2

    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        files("convlens.report").joinpath("layers.html").read_text("utf-8")
    )
    maps = list(in_order(lambda image: inside.maps(image, inside.chosen), images))
    return template.render(
        picture=thumbnail(images[0], 240),
        count=len(inside.layers),
        pictures=len(images),
        layers=[
            _layer(inside, number, images=images, maps=[of_one[place] for of_one in maps])
            for place, number in enumerate(inside.chosen)
        ],
    )


def _image(source: Source) -> RGB | None:
    try:
        return pixels_of(source)
    except PictureError:  # gone meanwhile
        return None


def _layer(
    inside: Inside, number: int, *, images: Sequence[RGB], maps: Sequence[Floats32]
) -> dict[str, Any]:
    """One layer: its maps of the first picture, and patches from all of them."""
    layer = inside.layers[number]
    order = np.argsort(-maps[0].std((1, 2)), kind="stable")[:MAPS].tolist()
    filters = layer.filters
    return {
        "number": number + 1,
        "kind": layer.kind,
        "name": layer.name,
        "shape": f"{layer.shape[0]:,} maps of {layer.shape[1]}×{layer.shape[2]}",
        "field": "×".join(map(str, inside.field_size(number))),
        "maps": _strip([_grey(maps[0][channel]) for channel in order], CELL),
        "filters": ""
        if filters is None
        else _strip([_levels(filters[channel].transpose(1, 2, 0)) for channel in order], CELL),
        "patches": [
            (channel, _strip(_patches(inside, (number, channel), images, maps), PATCH))
            for channel in order[:FILTERS]
        ],
    }


def _patches(
    inside: Inside, place: tuple[int, int], images: Sequence[RGB], maps: Sequence[Floats32]
) -> list[RGB]:
    """What a layer's filter sees where it answers most, of the pictures in which that is most."""
    number, channel = place
    peaks = np.array([of_one[channel].max() for of_one in maps])
    patches = []
    for picture in np.argsort(-peaks, kind="stable")[:PATCHES]:
        of_one = maps[picture][channel]
        row, column = np.unravel_index(int(of_one.argmax()), of_one.shape)
        patches.append(_cut(images[picture], inside.seen(number, int(row), int(column))))
    return patches


def _cut(image: RGB, box: Box) -> RGB:
    height, width = image.shape[:2]
    top, left = int(box.top * height), int(box.left * width)
    bottom, right = round(box.bottom * height), round(box.right * width)
    return image[top : max(top + 1, bottom), left : max(left + 1, right)]


def _grey(values: Floats32) -> RGB:
    return np.repeat(_levels(values)[..., None], 3, -1)


def _levels(values: Floats32) -> RGB:
    low, high = float(values.min()), float(values.max())
    levels: RGB = np.round((values - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    return levels


def _strip(pictures: Sequence[RGB], side: int) -> str:
    """Pictures in a row, each brought to a square, as a `data:` address."""
    strip = Image.new("RGBA", (len(pictures) * (side + 4) - 4, side))
    for place, pixels in enumerate(pictures):
        square = Image.fromarray(np.ascontiguousarray(pixels))
        strip.paste(square.resize((side, side), Image.Resampling.NEAREST), (place * (side + 4), 0))
    return data_uri(png(strip))
