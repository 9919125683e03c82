"""A pixel store on disk: what lies in its folder, written whole and checked when it is opened."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..files import HOST, saying_where, write_whole
from ..parallel import in_order
from ..progress import Progress
from ..windows import alive
from .canvas import Frame, shape_of
from .decode import RGB

FORMAT = 7
"""Raised when decoding or resizing changes, so that older stores are made anew."""
DIGEST = 16
LEFT_BEHIND = 24 * 3600.0
"""Seconds without a byte after which a store was left by a machine or container that is no more."""
INDEX = np.dtype([("hash", "S32"), ("digest", np.uint8, (DIGEST,)), ("side", np.int32)])
"""Of each picture: SHA-256 of its bytes, a digest of its pixels, its shorter side in pixels."""


@dataclass(frozen=True)
class Stored:
    """Distinct pictures [M] in one frame: `pixels` [M, H, W, 3], and an `INDEX` of them.

    `errors` says of some rows why those are no pictures.
    """

    pixels: npt.NDArray[np.uint8]
    index: npt.NDArray[Any]
    _: KW_ONLY
    errors: dict[int, str]

    @cached_property
    def _order(self) -> npt.NDArray[np.intp]:
        return np.argsort(self.index["hash"])

    def rows_of(self, hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """The row of each of these hashes [N, 32]; -1 where it is not here."""
        if not len(self.index):
            return np.full(len(hashes), -1, np.int64)
        keys, own = as_keys(hashes), self.index["hash"]
        places = np.searchsorted(own, keys, sorter=self._order).clip(max=len(own) - 1)
        rows: npt.NDArray[np.int64] = self._order[places].astype(np.int64)
        rows[own[rows] != keys] = -1
        return rows

    def is_sound(self, row: int) -> bool:
        """Whether a row's pixels are those that were written."""
        digest = self.index["digest"][row].tobytes()
        return row in self.errors or pixel_digest(self.pixels[row]) == digest


def as_keys(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Hashes [N, 32] as N values that can be sorted and compared."""
    keys: npt.NDArray[Any] = np.ascontiguousarray(hashes).view("S32").reshape(-1)
    return keys


def pixel_digest(pixels: RGB) -> bytes:
    """What identifies pixels, by the row of a store."""
    return hashlib.blake2b(pixels.data, digest_size=DIGEST).digest()


def load(folder: Path, frame: Frame) -> Stored | None:
    """Map a store, its pixels unchecked; None where there is none, or none of that frame."""
    try:
        checksum, head, rows = (folder / "index").read_bytes().split(b"\n", 2)
        if hashlib.sha256(head + rows).hexdigest().encode() != checksum:
            return None
        record: dict[str, Any] = json.loads(head)
        index = np.frombuffer(rows, INDEX)
        path, shape = folder / "pixels.u8", (len(index), *shape_of(frame), 3)
        if [record["format"], record["frame"]] != [FORMAT, str(frame)]:
            return None
        if path.stat().st_size != prod(shape):
            return None
        blank = np.zeros(shape, np.uint8)  # an empty file cannot be mapped
        pixels = np.memmap(path, np.uint8, "r", shape=shape) if len(index) else blank
    except (OSError, ValueError, KeyError):
        return None
    errors = {int(row): str(reason) for row, reason in record["errors"].items()}
    return Stored(pixels, index, errors=errors)


def check(stored: Stored, progress: Progress) -> bool:
    """Whether every row's pixels are those that were written."""
    sound = in_order(stored.is_sound, range(len(stored.index)))
    for row, row_is_sound in enumerate(sound):
        if not row_is_sound:
            return False
        if stored.pixels.nbytes > 2e9:
            progress("checking the pixel store", row + 1, len(stored.index))
    return True


class Writer:
    """A store that is being written under a temporary name, one picture after another."""

    def __init__(self, folder: Path, frame: Frame, file: BinaryIO) -> None:
        self.hashes: set[bytes] = set()
        self.frame = frame
        self._folder, self._file = folder, file
        self._rows = bytearray()
        self._errors: dict[int, str] = {}

    def add(self, digest: bytes, pixels: RGB | None, *, side: int = 0, error: str = "") -> None:
        """Append a picture, by its content's hash; None where it is none, for that `error`."""
        if pixels is None:
            self._errors[len(self.hashes)] = error
            pixels = np.zeros((*shape_of(self.frame), 3), np.uint8)
        row = (digest, np.frombuffer(pixel_digest(pixels), np.uint8), side)
        self._rows += np.array(row, INDEX).tobytes()
        self._file.write(pixels.tobytes())
        self.hashes.add(digest)

    def finish(self, folder: Path) -> None:
        """Give the store its name, now that it is whole."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        record = {"format": FORMAT, "frame": str(self.frame), "errors": self._errors}
        content = json.dumps(record).encode(), bytes(self._rows)
        checksum = hashlib.sha256(b"".join(content)).hexdigest().encode()
        write_whole(self._folder / "index", b"\n".join((checksum, *content)))
        try:
            self._folder.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was first with the same content
                raise


def _idle(folder: Path) -> float:
    """Seconds since anything was written in a folder; 0 where that cannot be known."""
    try:
        return time.time() - max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:
        return 0.0


@contextmanager
def writing(home: Path, frame: Frame) -> Iterator[Writer]:
    """A store to be written in `home`; nothing is left of it unless it is finished."""
    for leftover in home.glob(".*.*"):  # by processes that were killed, and by this one before
        host, _, pid = leftover.name.rpartition(".")
        if not pid.isdecimal():
            continue
        ours = host.endswith(f".{HOST}") and (int(pid) == os.getpid() or not alive(int(pid)))
        if ours or _idle(leftover) > LEFT_BEHIND:
            shutil.rmtree(leftover, ignore_errors=True)
    partial = home / f".partial.{HOST}.{os.getpid()}"
    try:
        with saying_where(home, "write the pixel store"):
            partial.mkdir()
            with (partial / "pixels.u8").open("wb") as file:
                yield Writer(partial, frame, file)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
