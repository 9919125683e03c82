"""Pictures that painting reads and writes, and the colours that it leaves in them."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ConvlensError, PictureError, UsageError
from ..files import check_place, given_path, is_folder, whole_file
from ..pictures.decode import RGB, decode
from ..pictures.resize import resize
from ..pictures.source import FileSource

NARROWEST = 32
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


def check_out(
    path: Path, what: str = "a painted picture", endings: Collection[str] = FORMATS
) -> None:
    """Raise a `UsageError` for a name of another format, or where there is no folder."""
    if path.suffix.lower() not in endings:
        raise UsageError(f"{path}: the name of {what} ends in {', '.join(endings)}")
    check_place(path)


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
    scale = (size or max(image.shape)) / max(image.shape)
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    if min(height, width) < NARROWEST:
        raise ConvlensError(
            f"{path} would be {width}×{height} pixels: painting takes {NARROWEST} or more each way"
        )
    return image if scale == 1 else resize(image, (height, width))


def read_style(path: str | Path, size: int | None = None) -> RGB:
    """A painting, as `read_picture`. Raises `ConvlensError` where it is of one colour."""
    image = read_picture(path, size)
    if (image == image[0, 0]).all():
        raise ConvlensError(f"{path} is of one colour: there is no style in it")
    return image


def write_picture(path: Path, image: RGB) -> None:
    """In the format of its name, whole or not at all. Raises `ConvlensError`."""
    with whole_file(path) as file:
        Image.fromarray(image).save(file, FORMATS[path.suffix.lower()], quality=92)


def match_colours(image: RGB, like: RGB) -> RGB:
    """The pixels moved linearly to another picture's mean and covariance (Gatys et al. 2017)."""
    own, wanted = (pixels.reshape(-1, 3).astype(np.float32) for pixels in (image, like))
    roots = [_root(np.cov(pixels.T) + np.eye(3) * 1e-2) for pixels in (own, wanted)]
    moved = (own - own.mean(0)) @ np.linalg.solve(*roots) + wanted.mean(0)  # these turn hues least
    out: RGB = np.rint(moved.clip(0, 255)).astype(np.uint8).reshape(image.shape)
    return out


def _root(covariance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What multiplied by itself gives it."""
    values, axes = np.linalg.eigh(covariance)
    root: npt.NDArray[np.float64] = (axes * np.sqrt(values)) @ axes.T
    return root


def mask_of(path: str | Path, image: RGB) -> npt.NDArray[np.uint8]:
    """How much to paint [H, W], 255 for all: a picture's brightness, at the size of the image."""
    mask = Image.fromarray(resize(read_picture(path), image.shape[:2]))
    return np.asarray(mask.convert("L"))


def compose(painted: RGB, photo: RGB, mask: npt.NDArray[np.uint8] | None, colours: str) -> RGB:
    """What was painted, in the colours that were asked for, and the photograph beyond a mask."""
    if colours == "matched":
        painted = match_colours(painted, photo)
    picture, own = Image.fromarray(painted), Image.fromarray(photo)
    if colours == "photo":
        brightness, (_, *rest) = picture.convert("L"), own.convert("YCbCr").split()
        picture = Image.merge("YCbCr", (brightness, *rest)).convert("RGB")
    if mask is not None:
        picture = Image.composite(picture, own, Image.fromarray(mask))
    return np.asarray(picture)
