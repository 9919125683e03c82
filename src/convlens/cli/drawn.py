"""Pictures that a command draws on, in a folder of its own."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import saying_where, write_whole
from ..windows import file_name

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 200
"""Bytes of a name to which more can be added; a character has four at most."""

LARGEST = 65_500
"""Pixels that a JPEG's side can have."""


def as_jpeg(image: "Image.Image") -> bytes:
    """What is written of a drawn picture, which takes a fraction of its memory.

    One with a side that JPEG cannot have is made smaller.
    """
    out = io.BytesIO()
    image.thumbnail((LARGEST, LARGEST))
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


class DrawnPictures:
    """Writes `NAME-WORD.jpg` into a folder for each picture; no two have one name."""

    def __init__(self, folder: Path, word: str) -> None:
        self.folder = folder
        self.word = word
        self._taken: set[Path] = set()

    def write(self, name: str, jpeg: bytes) -> Path:
        """Write a drawn picture whose source has that name."""
        stem = file_name(Path(name).stem)
        stem = stem if len(os.fsencode(stem)) < LONGEST else stem[: LONGEST // 4]
        path, number = self.folder / f"{stem}-{self.word}.jpg", 1
        while path in self._taken:
            number += 1
            path = self.folder / f"{stem}-{self.word}-{number}.jpg"
        self._taken.add(path)
        with saying_where(self.folder, "make the folder"):
            self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, jpeg)
        return path
