"""What a detector may be given: one picture in any form, or paths, folders, patterns and shards."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
from PIL import Image

from ..errors import ConvlensError, PictureError, UsageError
from ..files import given_text, is_folder
from ..pictures.decode import RGB, decode, to_rgb
from ..pictures.folder import BY_SYSTEMS, PassedOver, files_below, ignore, is_system_folder
from ..pictures.formats.opening import telling_damage
from ..pictures.shards.find import beside_shards, find_shards
from ..pictures.shards.stream import Stream
from ..pictures.shards.tar import samples
from ..pictures.source import BytesSource, FileSource, Source

Picture: TypeAlias = str | Path | bytes | Image.Image | RGB | Source
"""One picture: a path, encoded bytes, a PIL image, upright uint8 RGB [H, W, 3], or a source."""
Share = tuple[int, int]
"""(k, n): part k, from 0, of n that together are the whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A picture whose pixels are at hand: upright uint8 RGB [height, width, 3]."""

    name: str
    image: RGB

    def read(self) -> bytes:
        """There are no encoded bytes. Raises `PictureError`."""
        raise PictureError("it is pixels, not a file")

    def stamp(self) -> str:
        """Nothing that could change."""
        return ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """In the place of pictures that cannot be had: its name, and the reason."""

    name: str
    reason: str

    def read(self) -> bytes:
        """Raises `PictureError`."""
        raise PictureError(self.reason)

    def stamp(self) -> str:
        """Nothing that could change."""
        return ""


def pixels_of(source: Source) -> RGB:
    """Upright uint8 RGB [height, width, 3]. Raises `PictureError`."""
    return source.image if isinstance(source, Pixels) else decode(source.read())


def source_of(picture: Picture) -> Source:
    """One picture as a source. Raises `UsageError` where it is several, or nothing of the kind."""
    if isinstance(picture, str | Path):
        path = given_text(picture)
        if is_folder(path):
            raise UsageError(f"{picture} is a folder: predict_many takes folders")
        return FileSource(path)
    if isinstance(picture, bytes):
        return BytesSource("picture", picture)
    if isinstance(picture, Image.Image):
        name = str(getattr(picture, "filename", "")) or "picture"
        try:
            with telling_damage():
                return Pixels(name, to_rgb(picture))
        except PictureError as error:
            return Unreadable(name, str(error))
    if isinstance(picture, np.ndarray):
        return Pixels("pixels", picture)
    if hasattr(picture, "read") and hasattr(picture, "stamp"):
        return picture
    raise UsageError(
        "a picture is a path, bytes, a PIL image or uint8 RGB pixels [height, width, 3]; "
        f"this is {type(picture).__name__}"
    )


def find_files(path: str | Path, passed_over: PassedOver = ignore) -> Iterator[FileSource]:
    """A file; each file below a folder; each that a pattern such as `*.jpg` matches.

    A path that is nothing of the kind is passed on, so that it becomes a row with its error.
    `passed_over` is told of folders that are passed over, as in `files_below`. Raises `UsageError`
    for an empty path.
    """
    text = given_text(path)
    if is_folder(text):
        yield from map(FileSource, files_below(Path(text), passed_over))
    elif not os.path.lexists(text) and glob.has_magic(text):
        matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207
        for match in matches:
            if any(map(is_system_folder, Path(match).parts[:-1])):
                passed_over(match, BY_SYSTEMS)
            elif not is_folder(match):
                yield FileSource(match)
            elif is_system_folder(Path(match).name):
                passed_over(match, BY_SYSTEMS)
            elif "**" not in text:  # which matches what is in folders too
                yield from map(FileSource, files_below(Path(match), passed_over))
        if not matches:
            yield FileSource(text)
    else:
        yield FileSource(text)


def pictures_in(shard: str, passed_over: PassedOver = ignore) -> Iterator[BytesSource]:
    """The pictures of a shard as one stream. Raises `ConvlensError` where it is damaged."""
    with Stream(shard) as stream:
        for sample in samples(stream):
            name = f"{shard}#{sample.picture.name}"
            if sample.passed_over:
                passed_over(name, sample.reason)
            else:
                yield BytesSource(name, sample.picture.data)


def find_units(
    pictures: Picture | Iterable[Picture], passed_over: PassedOver = ignore
) -> Iterator[Source | str]:
    """What is not divided among several processes: a picture, or a shard's address."""
    for picture in several(pictures):
        if not isinstance(picture, str | Path):
            yield source_of(picture)
            continue
        shards = find_shards(picture)
        if shards is None:
            yield from find_files(picture, passed_over)
        else:
            yield from map(FileSource, beside_shards(picture, passed_over))
            yield from (address for address, _ in shards)


def find_sources(
    pictures: Picture | Iterable[Picture],
    *,
    share: Share = (0, 1),
    passed_over: PassedOver = ignore,
) -> Iterator[Source]:
    """Every picture of files, folders, patterns and shards, or part k of n of them.

    Where a shard is damaged, a source that says so comes after the pictures before that place.
    """
    number, count = share
    for position, unit in enumerate(find_units(pictures, passed_over)):
        if position % count != number:
            continue
        if not isinstance(unit, str):
            yield unit
            continue
        try:
            yield from pictures_in(unit, passed_over)
        except ConvlensError as error:
            yield Unreadable(unit, str(error))


def several(pictures: Picture | Iterable[Picture]) -> Iterable[Picture]:
    """Pictures as an iterable: what is one becomes the only one, an open file and bytes too."""
    if isinstance(pictures, np.ndarray):
        is_one = pictures.ndim != 4
    else:
        one = isinstance(pictures, str | Path | bytes | bytearray | memoryview | Image.Image)
        is_one = one or hasattr(pictures, "read") or not isinstance(pictures, Iterable)
    return cast("Iterable[Picture]", (pictures,) if is_one else pictures)
