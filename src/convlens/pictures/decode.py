"""The one decoding function, for training and predicting: bytes in, upright 8-bit RGB out."""

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageOps

from ..errors import PictureError
from .formats.opening import MAX_PIXELS, opened
from .formats.profiles import to_srgb, transform_of
from .formats.samples import check_samples, grey_scale, is_wide_grey, to_eight_bits

RGB = npt.NDArray[np.uint8]
"""Pixels [height, width, 3], 0 to 255."""


def decode(data: bytes) -> RGB:
    """Decode a picture to 8-bit RGB [height, width, 3], C-contiguous.

    EXIF orientation is applied; the first frame is taken; grey, palette, CMYK and 1-bit become
    RGB; transparency is laid over white; 16-bit grey is scaled by 1/257 and rounded; colours with
    an embedded profile become sRGB.
    Raises `PictureError` with the reason.
    """
    with opened(data) as image:
        if image.width * image.height > MAX_PIXELS:
            raise PictureError(
                f"{image.width}×{image.height} pixels are more than the {MAX_PIXELS:,} that "
                "convlens opens"
            )
        pixels = _upright_jpeg(image, data)
        return to_rgb(image) if pixels is None else pixels


def to_rgb(image: Image.Image) -> RGB:
    """The pixels of an opened image, upright, as `decode` gives them. Raises `PictureError`.

    Each step makes a copy: of a strip of rows at a time, so that a large picture is not copied.
    """
    if not image.width * image.height:
        raise PictureError("it has no pixels")
    check_samples(image)
    upright = _upright(image)
    scale = grey_scale(image) if is_wide_grey(image) else None
    pixels = np.empty((upright.height, upright.width, 3), np.uint8)
    rows = max(1, STRIP // upright.width)
    for top in range(0, upright.height, rows):
        bottom = min(top + rows, upright.height)
        strip = upright.crop((0, top, upright.width, bottom))
        if scale is not None:
            strip = Image.fromarray(to_eight_bits(strip, *scale))
        strip = to_srgb(strip, image.info.get("icc_profile"))
        if strip.has_transparency_data:
            strip = _over_white(strip)
        pixels[top:bottom] = np.asarray(strip.convert("RGB"))
    return pixels


STRIP = 1 << 20
"""Pixels that are converted together, in whole rows."""
UPRIGHT, ORIENTATION = {None, 1}, 0x0112
"""EXIF's tag, and its values for a picture that stands as it is stored."""


def _upright_jpeg(image: Image.Image, data: bytes) -> RGB | None:
    """Pixels of a JPEG that is neither turned nor in colours of its own; None of another.

    Both use libjpeg-turbo in the same way, so that these are Pillow's pixels; but Pillow hands
    them on row by row, and takes longer.
    """
    if image.format != "JPEG" or image.mode not in {"RGB", "L"}:
        return None
    try:
        if image.getexif().get(ORIENTATION) not in UPRIGHT:
            return None
        if transform_of(image, image.info.get("icc_profile")):
            return None
        pixels: RGB = simplejpeg.decode_jpeg(data)
    except Exception:  # what is damaged, and how much of it can be used, is for Pillow to say
        return None
    return pixels


def _upright(image: Image.Image) -> Image.Image:
    try:
        turned = image.getexif().get(ORIENTATION) not in UPRIGHT
        return ImageOps.exif_transpose(image) if turned else image
    except Exception:  # a damaged EXIF block must not cost the picture
        return image


def _over_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
