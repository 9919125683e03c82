"""How fast pictures are decoded and resized here."""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from ..engine.compute.timing import fastest_seconds
from ..errors import PictureError, UsageError
from ..parallel import in_order
from ..pictures.decode import decode
from ..pictures.folder import files_below
from ..pictures.resize import Resizer

PICTURES, SHAPE = 64, (360, 480)
"""How many pictures are read, and the height and width of those that are made."""


def sample_files(folder: str | Path | None) -> list[bytes]:
    """The contents of the first files of a folder, or of made JPEGs where none is given.

    Raises:
        UsageError: It is no folder, or there are no files in it.
    """
    if folder is None:
        return list(_made_jpegs(PICTURES))
    if not Path(folder).is_dir():
        raise UsageError(f"--pictures {folder}: it is no folder")
    paths = list(islice(files_below(Path(folder)), PICTURES))
    if not paths:
        raise UsageError(f"--pictures {folder}: there are no files in it")
    pictures, refused = [], ""
    for path in paths:
        data = Path(path).read_bytes()
        try:
            decode(data)
        except PictureError as error:
            refused = refused or f"{path}: {error}"
            continue
        pictures.append(data)
    if not pictures:
        raise UsageError(f"--pictures {folder}: there are no pictures among its files; {refused}")
    return pictures


def _made_jpegs(count: int) -> Iterator[bytes]:
    """Coloured noise, enlarged so that it has as little detail as photographs."""
    random = np.random.default_rng(0)
    for _ in range(count):
        noise = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize(SHAPE[::-1], Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG")
        yield buffer.getvalue()


def reading_rates(files: list[bytes], size: int) -> tuple[float, float]:
    """Pictures decoded a second, and decoded ones resized a second."""
    pixels = list(in_order(decode, files))
    resize = Resizer(size)
    decoding = fastest_seconds(lambda: list(in_order(decode, files)))
    resizing = fastest_seconds(lambda: list(in_order(resize, pixels)))
    return len(files) / decoding, len(files) / resizing
