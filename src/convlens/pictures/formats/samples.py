"""How a picture's samples are stored, where Pillow does not see to it: put right, or refused."""

import io
import threading

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin, TiffImagePlugin
from PIL.ImageFile import ImageFile

from ...errors import PictureError
from .foreign import SAVE_SAMPLES

_BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 258, 259, 262, 274
_SAMPLES, _PLANES, _FORMAT = 277, 284, 339
"""Tags of a TIFF."""
_UNCOMPRESSED, _SEPARATE, _SIGNED, _MIN_IS_WHITE, _MIN_IS_BLACK = 1, 2, 2, 0, 1
"""Values of these tags."""
_libtiff = threading.Lock()


def is_wide_grey(image: Image.Image) -> bool:
    """Whether a picture is grey and has more than 8 bits."""
    return image.mode[0] in "IF"


def with_joined_planes(image: ImageFile, data: bytes) -> ImageFile:
    """A TIFF opened again by libtiff where Pillow itself would take its planes for 8-bit ones."""
    if not _has_bare_planes(image):
        return image
    with _libtiff:  # Pillow asks this while it opens a TIFF, and has no argument for it
        TiffImagePlugin.READ_LIBTIFF, before = True, TiffImagePlugin.READ_LIBTIFF
        try:
            return TiffImagePlugin.TiffImageFile(io.BytesIO(data))
        finally:
            TiffImagePlugin.READ_LIBTIFF = before


def check_samples(image: Image.Image) -> None:
    """Raise a `PictureError` for an opened picture whose values have no scale, or are misread."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiff(image)
    if image.mode == "F" or (image.mode == "I" and image.format != "PPM"):
        raise PictureError(f"32-bit grey values have no fixed scale: {SAVE_SAMPLES}")
    if image.format == "JPEG2000":
        _check_jpeg2000(image)
    if isinstance(image, PngImagePlugin.PngImageFile) and image.tile:
        _scale_transparency(image)


def _has_bare_planes(image: Image.Image) -> bool:
    return (
        isinstance(image, TiffImagePlugin.TiffImageFile)
        and image.tag_v2.get(_PLANES) == _SEPARATE
        and image.tag_v2.get(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED
        and not (image.tile and image.tile[0].codec_name == "libtiff")
    )


def _check_tiff(image: TiffImagePlugin.TiffImageFile) -> None:
    tags = image.tag_v2
    if _SIGNED in tags.get(_FORMAT, ()):
        raise PictureError(f"signed values have no fixed scale: {SAVE_SAMPLES}")
    bands = tags.get(_SAMPLES, 1)
    if tags.get(_PHOTOMETRIC) in {_MIN_IS_WHITE, _MIN_IS_BLACK} and bands > 2:
        raise PictureError(f"a TIFF of {bands} bands, none of which is said to be red: save 1 or 3")
    if _has_bare_planes(image) or (tags.get(_PLANES) == _SEPARATE and image.mode in {"LA", "PA"}):
        raise PictureError(f"a TIFF with a plane for each band: {SAVE_SAMPLES}, in one plane")
    if image.tile and tags.get(_ORIENTATION, 1) > 4:
        # Pillow maps a file whose name it knows, and then takes its height for its width
        name, image.filename = image.filename, ""
        image.load()
        image.filename = name


def _check_jpeg2000(image: Image.Image) -> None:
    """Pillow rounds samples of more than 8 bits up to 256, which is 0, unless they are grey."""
    file = getattr(image, "fp", None)
    if file is None:
        return
    file.seek(0)
    _, _, sizes = file.read().partition(b"\xff\x4f\xff\x51")
    bands = int.from_bytes(sizes[36:38], "big")
    depths = sizes[38 : 38 + 3 * bands : 3]
    if any(depth & 0x80 for depth in depths):
        raise PictureError(f"signed values have no fixed scale: {SAVE_SAMPLES}")
    if image.mode != "I;16" and any(depth >= 8 for depth in depths):
        raise PictureError("a JPEG2000 picture with more than 8 bits that is not grey: save 8 bits")


def _scale_transparency(image: PngImagePlugin.PngImageFile) -> None:
    """Pillow leaves a PNG's transparent value as it was stored when it scales the samples."""
    stored, value = image.tile[0].args, image.info.get("transparency")
    if stored in {"L;2", "L;4"} and isinstance(value, int):
        image.info["transparency"] = value * 255 // (2 ** int(stored[2]) - 1)
    elif stored == "RGB;16B" and isinstance(value, tuple):
        image.info["transparency"] = tuple(part >> 8 for part in value)  # as its pixels are


def grey_scale(image: Image.Image) -> tuple[int, int]:
    """The values of black and white in a grey picture of more than 8 bits."""
    white = 65535
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        white = 2 ** image.tag_v2[_BITS][0] - 1
        if image.tag_v2.get(_PHOTOMETRIC) == _MIN_IS_WHITE:
            return white, 0
    return 0, white


def to_eight_bits(image: Image.Image, black: int, white: int) -> npt.NDArray[np.uint8]:
    """Grey [height, width] from 0 to 255, rounded; a transparent value becomes white."""
    values = np.asarray(image).astype(np.int32)
    most = max(black, white)
    grey = ((values * 255 + most // 2) // most).clip(0, 255).astype(np.uint8)
    if black > white:
        grey = 255 - grey
    if isinstance(clear := image.info.get("transparency"), int):
        grey[values == clear] = 255
    return grey
