"""The one decoding function, for training and predicting: bytes in, upright 8-bit RGB out."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import PictureError
from .foreign import name_of, raw_file

RGB = npt.NDArray[np.uint8]
"""Pixels [height, width, 3], 0 to 255."""

FORMATS = (
    *("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"),
    *("JPEG2000", "PPM"),
)
MAX_PIXELS = 200_000_000
"""A larger picture is refused before its pixels are unpacked (a decompression bomb)."""
if Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3:
    # Pillow's own limit, which some of its plugins ask for too, is lower: it refuses twice this
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2


def decode(data: bytes) -> RGB:
    """Decode a picture to 8-bit RGB [height, width, 3], C-contiguous.

    EXIF orientation is applied; the first frame is taken; grey, palette, CMYK and 1-bit become
    RGB; transparency is laid over white; 16-bit grey is scaled by 1/257 and rounded.
    Raises `PictureError` with the reason.
    """
    if not data:
        raise PictureError("the file is empty")
    _register_heif(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _open(data) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise PictureError(
                        f"{image.width}×{image.height} pixels are more than the "
                        f"{MAX_PIXELS:,} that convlens opens"
                    )
                _refuse_raw(image, data)
                pixels = _upright_jpeg(image, data)
                if pixels is not None:
                    return pixels
                image.load()
                return to_rgb(image)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise _unknown(data) from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"too many pixels: {error}") from error
    except MemoryError as error:
        raise PictureError("too large for the memory that is left") from error
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged data
        raise PictureError(f"truncated or damaged: {error or type(error).__name__}") from error


def _unknown(data: bytes) -> PictureError:
    what = name_of(data)
    return PictureError("not a picture of a known kind" + (f", but {what}" if what else ""))


def _refuse_raw(image: Image.Image, data: bytes) -> None:
    """Raise a `PictureError` for a raw file that is a TIFF, since that would be its thumbnail."""
    what = raw_file(data, getattr(image, "tag_v2", {})) if image.format == "TIFF" else None
    if what:
        raise PictureError(f"not a picture of a known kind, but {what}")


def to_rgb(image: Image.Image) -> RGB:
    """The pixels of an opened image, upright, as `decode` gives them. Raises `PictureError`."""
    return np.ascontiguousarray(_to_rgb(_upright(image)))


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height of a picture as stored, from its head alone. Raises `PictureError`."""
    _register_heif(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _open(data) as image:
                return image.size
    except Exception as error:  # as in decode
        raise _unknown(data) from error


def file_ending(data: bytes) -> str:
    """The usual ending of a picture's file for its format, such as `jpg`. Raises `PictureError`."""
    _register_heif(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _open(data) as image:
                name = str(image.format).lower()
    except Exception as error:  # as in decode
        raise _unknown(data) from error
    return {"jpeg": "jpg", "mpo": "jpg", "tiff": "tif", "heif": "heic", "jpeg2000": "jp2"}.get(
        name, name
    )


def _open(data: bytes) -> Image.Image:
    """A picture that is not unpacked yet. Raises `UnidentifiedImageError`.

    Pillow's plugins for the commonest kinds are loaded at once; all of them, which takes a tenth
    of a command's start, where the picture is none of these.
    """
    Image.preinit()
    try:
        return Image.open(io.BytesIO(data), formats=_installed_formats())
    except UnidentifiedImageError:
        Image.init()
        return Image.open(io.BytesIO(data), formats=_installed_formats())


def _installed_formats() -> list[str]:
    return [name for name in FORMATS if name in Image.OPEN]


def _register_heif(data: bytes) -> None:
    """HEIC is opened by the `pillow-heif` plugin where that is installed."""
    if data[4:8] != b"ftyp" or "HEIF" in Image.OPEN:
        return
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        if data[8:12] in {b"heic", b"heix", b"mif1", b"msf1", b"hevc"}:
            raise PictureError("HEIC needs a plugin: pip install pillow-heif") from None
    else:
        register_heif_opener()


UPRIGHT, ORIENTATION = {None, 1}, 0x0112
"""EXIF's tag, and its values for a picture that stands as it is stored."""


def _upright_jpeg(image: Image.Image, data: bytes) -> RGB | None:
    """Pixels of a JPEG that is not to be turned; None where it is something else, or damaged.

    Both use libjpeg-turbo in the same way, so that these are Pillow's pixels; but Pillow hands
    them on row by row, and takes longer.
    """
    if image.format != "JPEG" or image.mode not in {"RGB", "L"}:
        return None
    try:
        if image.getexif().get(ORIENTATION) not in UPRIGHT:
            return None
        pixels: RGB = simplejpeg.decode_jpeg(data)
    except Exception:  # what is damaged, and how much of it can be used, is for Pillow to say
        return None
    return pixels


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block must not cost the picture
        return image


def _over_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def _from_wide_grey(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Grey with more than 8 bits: 0 to 65,535 becomes 0 to 255 by 1/257, rounded."""
    values: npt.NDArray[Any] = np.asarray(image)
    if image.mode == "F" or values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        raise PictureError(
            "grey values outside 0 to 65,535 have no fixed scale: save it with 8 or 16 bits"
        )
    grey = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _to_rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    if image.mode in {"I", "F"} or image.mode.startswith("I;"):
        return _from_wide_grey(image)
    convert: Callable[[Image.Image], Image.Image] = lambda picture: picture.convert("RGB")  # noqa: E731
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        convert = _over_white
    return np.asarray(convert(image))
