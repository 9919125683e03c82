"""The report's look inside the network: a picture's maps, layer by layer, and filters' patches."""

import io
from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from PIL import Image

from ..detector.detector import Detector
from ..detector.inputs import pixels_of
from ..detector.inside.fields import Span
from ..detector.inside.inside import Floats32, Inside
from ..drawing.template import rendered
from ..drawing.thumbnails import data_uri, png, thumbnail
from ..errors import PictureError, UsageError
from ..parallel import in_order
from ..pictures.boxes.box import Box
from ..pictures.canvas import shape_of
from ..pictures.decode import RGB
from ..pictures.source import Source

PICTURES, MULTIPLICATIONS = 48, 10_000_000_000
"""Pictures in which patches are looked for, and what they may take; four are in any case."""
MOST_BYTES = 500_000_000
"""Of pixels at once, about: no further picture is read from there on."""
MAPS, FILTERS, PATCHES = 9, 3, 9
"""Of a layer: maps that are drawn, filters whose patches are, and patches of each."""
LONGEST, PATCH = 128, 64
"""Sides in pixels: of larger maps every second value is drawn, or every third, and so on."""


def render_layers(file: bytes, sources: Sequence[Source], *, multiplications: int) -> str:
    """HTML on some layers of a detector, looked at with some of these pictures.

    Looking at one of them takes so many `multiplications`. Empty where there is nothing.
    """
    detector = Detector(file)
    try:
        inside = detector.inside
    except UsageError:
        return ""
    most = min(PICTURES, max(4, MULTIPLICATIONS // max(1, multiplications)))
    chosen = np.random.default_rng(0).permutation(len(sources))[:most]  # which mixes the classes
    images: list[RGB] = []
    for row in chosen:
        if sum(image.nbytes for image in images) >= MOST_BYTES:
            break
        image = _image(sources[row])
        if image is not None:
            images.append(image)
    if not images or not inside.layers:
        return ""
    maps = list(in_order(lambda image: inside.maps(image, inside.chosen), images))
    seen = images[0] if isinstance(inside.frame, int) else inside.frame.place(images[0])
    return rendered(
        "report/layers.html",
        picture=thumbnail(seen, 320),
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
    every = ceil(max(layer.shape[1:]) / LONGEST)
    channels, height, width = layer.shape
    spans = layer.field or [Span(0, 0, side, side - 1, 1) for side in shape_of(inside.frame)]
    return {
        "number": number + 1,
        "kind": layer.kind,
        "name": layer.name,
        "shape": f"{channels:,} map{'s' * (channels > 1)} of {height}×{width}",
        "field": {
            "sees": "×".join(map(str, inside.field_size(number))),
            "spans": [span[:4] for span in spans],
            "sides": shape_of(inside.frame),
            "every": every,
        },
        "maps": [
            _map(maps[0][channel, ::every, ::every], channel, filters=layer.filters)
            for channel in order
        ],
        "patches": [
            (channel, _strip(_patches(inside, (number, channel), images, maps)))
            for channel in order[:FILTERS]
        ],
    }


def _map(values: Floats32, channel: int, *, filters: Floats32 | None) -> dict[str, Any]:
    """A filter's map [h, w], and the filter, where it sees colours."""
    return {
        "channel": channel,
        "picture": _drawn(values),
        "range": [float(f"{end:.4g}") for end in (values.min(), values.max())],
        "filter": "" if filters is None else _drawn(filters[channel].transpose(1, 2, 0)),
    }


def _patches(
    inside: Inside, place: tuple[int, int], images: Sequence[RGB], maps: Sequence[Floats32]
) -> list[RGB]:
    """What a layer's filter sees where it answers most, of the pictures in which that is most."""
    number, channel = place
    peaks = [
        inside.peak(image, number, of_one[channel], picture=picture)
        for picture, (image, of_one) in enumerate(zip(images, maps, strict=True))
    ]
    strongest = sorted(peaks, key=lambda peak: -peak.value)[:PATCHES]
    return [_cut(images[peak.picture], peak.box) for peak in strongest]


def _cut(image: RGB, box: Box) -> RGB:
    height, width = image.shape[:2]
    top, left = min(int(box.top * height), height - 1), min(int(box.left * width), width - 1)
    bottom, right = round(box.bottom * height), round(box.right * width)
    return image[top : max(top + 1, bottom), left : max(left + 1, right)]


def _drawn(values: Floats32) -> str:
    """Numbers [h, w] as grey levels, or [h, w, 3] as colours, as a `data:` address."""
    low, high = float(values.min()), float(values.max())
    levels = np.round((values - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    return data_uri(png(Image.fromarray(levels)))


def _strip(pictures: Sequence[RGB]) -> str:
    """Pictures in a row, each brought to a square, as a `data:` address."""
    strip = Image.new("RGBA", (len(pictures) * (PATCH + 4) - 4, PATCH))
    for place, pixels in enumerate(pictures):
        square = Image.fromarray(np.ascontiguousarray(pixels))
        square = square.resize((PATCH, PATCH), Image.Resampling.NEAREST)
        strip.paste(square, (place * (PATCH + 4), 0))
    buffer = io.BytesIO()
    strip.save(buffer, "WEBP", quality=80)
    return data_uri(buffer.getvalue(), "image/webp")
