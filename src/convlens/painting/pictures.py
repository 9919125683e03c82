"""Pictures that painting reads and writes, and the colours that it leaves in them."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ConvlensError, PictureError, UsageError
from ..files import given_path, is_folder, write_whole
from ..pictures.decode import RGB, decode
from ..pictures.resize import Resizer
from ..pictures.source import FileSource

NARROWEST = 32
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


def check_out(path: Path) -> None:
    """Raise a `UsageError` for a name of another format, or where there is no folder."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path}: a painted picture is a {', '.join(FORMATS)}")
    if not is_folder(path.parent):
        raise UsageError(f"{path}: there is no folder {path.parent}")


def read_picture(path: str | Path, size: int | None = None) -> RGB:
    """Upright RGB [H, W, 3], its longer side `size`, or its own where that is None.

    Raises `ConvlensError` where it cannot be read, or is too narrow.
    """
    path = given_path(path)
    if is_folder(path):
        raise UsageError(f"{path} is a folder: give one picture")
    try:
        image = decode(FileSource(str(path)).read())
    except PictureError as error:
        raise ConvlensError(f"{path} cannot be read: {error}") from error
    height, width = image.shape[:2]
    scale = (size or max(height, width)) / max(height, width)
    height, width = (max(1, round(side * scale)) for side in (height, width))
    if min(height, width) < NARROWEST:
        raise ConvlensError(
            f"{path} would be {width}×{height} pixels: painting takes {NARROWEST} or more each way"
        )
    return image if scale == 1 else Resizer((height, width))(image)


def read_style(path: str | Path, size: int | None = None) -> RGB:
    """A painting, as `read_picture`. Raises `ConvlensError` where it is of one colour."""
    image = read_picture(path, size)
    if (image == image[0, 0]).all():
        raise ConvlensError(f"{path} is of one colour: there is no style in it")
    return image


def write_picture(path: Path, image: RGB) -> None:
    """In the format of its name, whole or not at all. Raises `ConvlensError`."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, FORMATS[path.suffix.lower()], quality=92)
    write_whole(path, out.getvalue())


def match_colours(image: RGB, like: RGB) -> RGB:
    """The pixels moved linearly to another picture's mean and covariance (Gatys et al. 2017)."""
    pixels = image.reshape(-1, 3).astype(np.float32)
    wanted = like.reshape(-1, 3).astype(np.float32)
    transform = _root(wanted) @ np.linalg.inv(_root(pixels))  # symmetric roots turn hues least
    moved = (pixels - pixels.mean(0)) @ transform.T + wanted.mean(0)
    return _to_uint8(moved.reshape(image.shape))


def with_colours_of(image: RGB, photo: RGB) -> RGB:
    """Its brightness with the photograph's colours, of the same size."""
    own = photo.astype(np.float32)
    change = image.astype(np.float32) @ _LUMINANCE - own @ _LUMINANCE
    return _to_uint8(own + change[..., None])


def _root(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The symmetric square root of the covariance [3, 3] of colours."""
    values, vectors = np.linalg.eigh(np.cov(pixels.T) + np.eye(3) * 1e-2)
    root: npt.NDArray[np.float64] = (vectors * np.sqrt(values)) @ vectors.T
    return root


def _to_uint8(pixels: npt.NDArray[np.floating]) -> RGB:
    out: RGB = np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)
    return out


def mask_of(path: str | Path, image: RGB) -> npt.NDArray[np.float32]:
    """How much to paint [H, W], 0 to 1: a picture's brightness, at the size of the image."""
    height, width = image.shape[:2]
    pixels = Resizer((height, width))(read_picture(path)).astype(np.float32)
    mask: npt.NDArray[np.float32] = (pixels @ _LUMINANCE / 255).clip(0, 1)
    return mask


def compose(painted: RGB, photo: RGB, mask: npt.NDArray[np.float32] | None, colours: str) -> RGB:
    """What was painted, in the colours that were asked for, and the photograph beyond a mask."""
    if colours == "photo":
        painted = with_colours_of(painted, photo)
    if colours == "matched":
        painted = match_colours(painted, photo)
    if mask is None:
        return painted
    own = photo.astype(np.float32)
    return _to_uint8(own + mask[..., None] * (painted - own))
