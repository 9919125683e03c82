"""Opening a picture, and what its head tells before it is unpacked."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from ...errors import PictureError
from .foreign import name_of, raw_file
from .samples import is_wide_grey, with_joined_planes

FORMATS = (
    *("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"),
    *("JPEG2000", "PPM"),
)
MAX_PIXELS = 200_000_000
"""A larger picture is refused before its pixels are unpacked (a decompression bomb)."""
if Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3:
    # Pillow's own limit, which some of its plugins ask for too, is lower: it refuses twice this
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2

# of large pictures and odd tags, among answers; to ignore it for each picture only is to change the
# filters of the whole process from many threads, which leaves it without any warning
warnings.filterwarnings("ignore", module=r"PIL\.")


@contextmanager
def telling_damage() -> Iterator[None]:
    """Whatever goes wrong with a picture inside is a `PictureError`."""
    try:
        yield
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"too many pixels: {error}") from error
    except MemoryError as error:
        raise PictureError("too large for the memory that is left") from error
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged data
        raise PictureError(f"truncated or damaged: {error or type(error).__name__}") from error


@contextmanager
def opened(data: bytes) -> Iterator[ImageFile]:
    """Open a picture, not unpacked yet; what goes wrong with it meanwhile is a `PictureError`."""
    if not data:
        raise PictureError("the file is empty")
    _register_heif(data)
    with telling_damage():
        try:
            with _open(data) as image:
                yield image
        except UnidentifiedImageError as error:
            what = name_of(data)
            known = f", but {what}" if what else ""
            raise PictureError(f"not a picture of a known kind{known}") from error


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height of a picture as stored, from its head alone. Raises `PictureError`."""
    with opened(data) as image:
        return image.size


def file_ending(data: bytes) -> str:
    """The usual ending of a picture's file for its format, such as `jpg`. Raises `PictureError`."""
    with opened(data) as image:
        name = str(image.format).lower()
    return {"jpeg": "jpg", "mpo": "jpg", "tiff": "tif", "heif": "heic", "jpeg2000": "jp2"}.get(
        name, name
    )


def largest_sample(data: bytes) -> int:
    """The largest value in a picture with 16 bits a sample, as stored; 0 in any other.

    Of colour the upper 8 bits are known. Raises `PictureError`.
    """
    with opened(data) as image:
        if is_wide_grey(image):
            return int(np.asarray(image).max())
        return int(np.asarray(image).max()) << 8 if ";16" in str(image.tile) else 0


def _open(data: bytes) -> ImageFile:
    """A picture that is not unpacked yet. Raises `UnidentifiedImageError`.

    Pillow's plugins for the commonest kinds are loaded at once; all of them, which takes a tenth
    of a command's start, where the picture is none of these.
    """
    Image.preinit()
    try:
        image = Image.open(io.BytesIO(data), formats=_installed_formats())
    except UnidentifiedImageError:
        Image.init()
        image = Image.open(io.BytesIO(data), formats=_installed_formats())
    what = raw_file(data, getattr(image, "tag_v2", {})) if image.format == "TIFF" else None
    if what:  # its first picture is a thumbnail
        raise PictureError(f"not a picture of a known kind, but {what}")
    return with_joined_planes(image, data)


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
