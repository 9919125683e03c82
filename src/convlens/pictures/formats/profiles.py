"""Embedded colour profiles: colours of a wider gamut, or on another curve, become sRGB."""

import hashlib
import io
from typing import Any

import numpy as np
from PIL import Image

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""In which mode a picture has the colours that a profile is of."""
_MOST = 64
"""Profiles that are remembered."""
_transforms: dict[bytes, Any] = {}


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture in sRGB, as its profile means it; as it is without a profile that can be used."""
    transform = transform_of(image, profile)
    if transform is None:
        return image
    colours: Image.Image = transform.apply(image.convert(transform.input_mode))
    if image.has_transparency_data:
        colours.putalpha(image.convert("RGBA").getchannel("A"))
    return colours


def transform_of(image: Image.Image, profile: bytes | None) -> Any:
    """What turns a picture's colours to sRGB; None where they are, or the profile is not theirs."""
    if not isinstance(profile, bytes):  # a damaged TIFF may have numbers there
        return None
    key = hashlib.blake2b(profile).digest()
    if key not in _transforms:
        if len(_transforms) >= _MOST:
            _transforms.clear()
        _transforms[key] = _transform(profile)
    transform = _transforms.get(key)
    grey, cmyk = Image.getmodebase(image.mode) == "L", image.mode == "CMYK"
    if transform is None or not {"RGB": not cmyk, "L": grey, "CMYK": cmyk}[transform.input_mode]:
        return None
    return transform


def _transform(profile: bytes) -> Any:
    """Made by LittleCMS; None of a damaged profile, or where no colour moves by two levels."""
    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODES[opened.profile.xcolor_space.strip()]
        transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode == "CMYK":
            return transform
        levels = np.mgrid[:256:15, :256:15, :256:15].reshape(3, -1).T.astype(np.uint8)
        colours = Image.fromarray(np.ascontiguousarray(levels[None])).convert(mode)
        before = np.asarray(colours.convert("RGB")).astype(int)
        moved = np.abs(np.asarray(transform.apply(colours)) - before).max()
    except Exception:  # a profile that cannot be used must not cost the picture
        return None
    return transform if moved > 1 else None
