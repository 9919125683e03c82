"""Filling a pixel store: what is in no store yet is read, once, and the rest is taken over."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError, PictureError
from ..parallel import in_order
from ..progress import Progress
from .cache import cache_folder
from .canvas import Frame, placing
from .decode import RGB, decode
from .hashing import UNREAD
from .shards.read import streamed
from .source import Source, content_hash
from .stored import Stored, Writer, as_keys, load


def stores_of(frame: Frame) -> list[Stored]:
    """All stores of this frame: pictures may be in them already."""
    folders = (path for path in cache_folder("pixels").iterdir() if path.name[0] != ".")
    return [stored for folder in folders if (stored := load(folder, frame)) is not None]


def _in_another(others: Sequence[Stored], digest: bytes) -> tuple[Stored, int] | None:
    """The store, and the row in it, of a picture with this hash."""
    key = np.frombuffer(digest, np.uint8)[None]
    for other in others:
        row = int(other.rows_of(key)[0])
        if row >= 0 and row not in other.errors and other.is_sound(row):
            return other, row
    return None


def rows_to_read(hashes: npt.NDArray[np.uint8], others: Sequence[Stored]) -> list[int]:
    """The rows to be read: those with no hash yet, and one of each other without pixels."""
    wanted: npt.NDArray[np.bool_] = np.logical_not(hashes.any(1))
    for row in np.unique(as_keys(hashes), return_index=True)[1].tolist():
        wanted[row] |= _in_another(others, hashes[row].tobytes()) is None
    rows: list[int] = np.flatnonzero(wanted).tolist()
    return rows


class _Read(NamedTuple):
    """A picture's hash; its pixels and shorter side, if those are wanted; or what is wrong."""

    digest: bytes
    pixels: RGB | None = None
    side: int = 0
    error: str = ""


def read_into(
    pictures: Sequence[tuple[int, Source]],
    hashes: npt.NDArray[np.uint8],
    *,
    writer: Writer,
    others: Sequence[Stored],
    progress: Progress,
) -> dict[int, str]:
    """Read pictures, given as (row, source), into `hashes` and the store that is being written.

    In the order of the data set, in which shards are streams. Returns the rows that could not be
    read, with the reason.
    """
    place = placing(writer.frame)
    unreadable: dict[int, str] = {}

    def read(source: Source) -> _Read:
        digest = UNREAD
        try:
            data = source.read()
            digest = content_hash(data)
            if digest in writer.hashes or _in_another(others, digest):
                return _Read(digest)
            image = decode(data)
        except PictureError as error:
            return _Read(digest, error=str(error))
        return _Read(digest, place(image), min(image.shape[:2]))

    sources = streamed(source for _, source in pictures)
    for done, ((row, _), of) in enumerate(zip(pictures, in_order(read, sources), strict=True)):
        hashes[row] = np.frombuffer(of.digest, np.uint8)
        if of.digest == UNREAD:
            unreadable[row] = of.error
        elif (of.pixels is not None or of.error) and of.digest not in writer.hashes:
            writer.add(of.digest, of.pixels, side=of.side, error=of.error)
        progress("reading pictures", done + 1, len(pictures))
    return unreadable


def take_over(hashes: npt.NDArray[np.uint8], *, writer: Writer, others: Sequence[Stored]) -> None:
    """Write what is in other stores. Raises `ConvlensError` where that is so no longer."""
    for row in np.sort(np.unique(as_keys(hashes), return_index=True)[1]).tolist():
        digest = hashes[row].tobytes()
        if digest in writer.hashes or digest == UNREAD:
            continue
        found = _in_another(others, digest)
        if found is None:
            raise ConvlensError("pictures, or a pixel store, changed meanwhile: begin again")
        other, place = found
        writer.add(digest, other.pixels[place], side=int(other.index["side"][place]))
