"""The pixel store: every picture decoded and resized once, in one memory-mapped file."""

import hashlib
import json
import os
import shutil
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError, PictureError
from ..files import alive, saying_where, write_whole
from ..parallel import in_order
from ..progress import Progress
from .cache import cache_folder, make_room
from .catalog import Catalog
from .decode import decode
from .hashing import Contents, content_hashes
from .resize import Resizer
from .shards.read import streamed
from .source import Source

FORMAT = 1
"""Raised when decoding or resizing changes, so that older stores are made anew."""

DIGEST = 16


@dataclass(frozen=True)
class PixelStore:
    """Pixels of a catalog's pictures at one size.

    `pixels` is a read-only memory map, uint8 [M, size, size, 3], one row per distinct picture;
    `rows` [N] gives each catalog row its index there, -1 where the picture is bad;
    `digests` [M, 16] identify equal pixels; `bad` maps catalog rows to the reason.
    """

    pixels: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    _: KW_ONLY
    digests: npt.NDArray[np.uint8]
    bad: dict[int, str]
    contents: Contents
    built: bool

    @property
    def size(self) -> int:
        """Height and width of the stored pictures."""
        return int(self.pixels.shape[1])

    def identities(self) -> list[bytes]:
        """Of each catalog row: equal where pixels are, whatever the files."""
        return [self.digests[index].tobytes() for index in self.rows.tolist()]

    def without_bad(self, catalog: Catalog) -> tuple[Catalog, "PixelStore"]:
        """The catalog and the store with the rows of readable pictures only."""
        good = [row for row in range(len(catalog)) if row not in self.bad]
        return catalog.take(good), self.take(good)

    def take(self, rows: list[int]) -> "PixelStore":
        """The same store with only the given rows, all of them readable, in the given order."""
        contents = Contents(self.contents.hashes[rows], {})
        return replace(self, rows=self.rows[rows], contents=contents, bad={})


def open_store(catalog: Catalog, size: int, *, progress: Progress) -> PixelStore:
    """Open the store of these pictures at this size; make it where it is missing or damaged.

    Keyed by content, so a copy of the folder, or the same pictures sorted into other classes,
    find it too. Two processes may make the same store at once. Raises `ConvlensError` where
    the disk or the cache's limit is too small.
    """
    contents = content_hashes(catalog, progress)
    keys, first, inverse = np.unique(
        contents.hashes, axis=0, return_index=True, return_inverse=True
    )
    heading = f"{FORMAT}|{size}|{len(keys)}|".encode()
    key = hashlib.sha256(heading + keys.tobytes()).hexdigest()
    folder = cache_folder("pixels") / key
    stored = _read(folder, len(keys), size=size, progress=progress)
    built = stored is None
    if stored is None:
        shutil.rmtree(folder, ignore_errors=True)
        _build(
            folder,
            catalog.take(first.tolist()),
            order=np.argsort(first),
            size=size,
            progress=progress,
        )
        stored = _read(folder, len(keys), size=size, progress=progress)
        if stored is None:
            raise ConvlensError(f"the pixel store {folder} does not read back: check that disk")
    else:
        os.utime(folder)
    pixels, digests, errors = stored
    rows = inverse.reshape(-1).astype(np.int64)
    bad = {
        row: contents.unreadable.get(row) or errors[index]
        for row, index in enumerate(rows.tolist())
        if index in errors
    }
    rows[list(bad)] = -1
    return PixelStore(pixels, rows, digests=digests, bad=bad, contents=contents, built=built)


def _digest(pixels: npt.NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(pixels.data, digest_size=DIGEST).digest()


def _build(
    folder: Path, distinct: Catalog, *, order: npt.NDArray[np.int64], size: int, progress: Progress
) -> None:
    """Write the store under a temporary name and rename it when it is whole.

    Pictures are read in `order` [M], that of the data set, in which shards are streams.
    """
    count, row_bytes = len(distinct), size * size * 3
    make_room(folder.parent, count * row_bytes)
    for leftover in folder.parent.glob(
        ".*.*"
    ):  # by processes that were killed, and by this one before
        pid = leftover.suffix[1:]
        if pid.isdecimal() and (int(pid) == os.getpid() or not alive(int(pid))):
            shutil.rmtree(leftover, ignore_errors=True)
    partial = folder.parent / f".{folder.name[:16]}.{os.getpid()}"
    resize = Resizer(size)
    digests = np.zeros((count, DIGEST), np.uint8)
    errors: dict[int, str] = {}

    def prepare(source: Source) -> tuple[npt.NDArray[np.uint8] | None, bytes, str]:
        try:
            pixels = resize(decode(source.read()))
        except PictureError as error:
            return None, bytes(DIGEST), str(error)
        return pixels, _digest(pixels), ""

    try:
        with saying_where(folder, "write the pixel store"):
            partial.mkdir()
            with (partial / "pixels.u8").open("wb") as file:
                blank = bytes(row_bytes)
                decoded = in_order(
                    prepare, streamed(distinct.sources[row] for row in order.tolist())
                )
                for done, (pixels, digest, error) in enumerate(decoded):
                    row = int(order[done])
                    file.seek(row * row_bytes)
                    file.write(blank if pixels is None else pixels.tobytes())
                    digests[row] = np.frombuffer(digest, np.uint8)
                    if error:
                        errors[row] = error
                    progress("decoding pictures", done + 1, count)
                file.flush()
                os.fsync(file.fileno())
        _write_index(partial, digests, errors=errors)
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was first with the same content
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_index(folder: Path, digests: npt.NDArray[np.uint8], *, errors: dict[int, str]) -> None:
    index = {
        "digests": digests.tobytes().hex(),
        "errors": {str(k): errors[k] for k in sorted(errors)},
    }
    text = json.dumps(index)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    write_whole(folder / "index.json", f"{checksum}\n{text}")


def _read(
    folder: Path, count: int, *, size: int, progress: Progress
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], dict[int, str]] | None:
    """Map a store and check every row against its digest; None where anything is amiss."""
    try:
        checksum, _, text = (folder / "index.json").read_text().partition("\n")
        if hashlib.sha256(text.encode()).hexdigest() != checksum:
            return None
        index: dict[str, Any] = json.loads(text)
        digests = np.frombuffer(bytes.fromhex(index["digests"]), np.uint8).reshape(count, DIGEST)
        shape = (count, size, size, 3)
        path = folder / "pixels.u8"
        if path.stat().st_size != count * size * size * 3:
            return None
        pixels = np.memmap(path, np.uint8, "r", shape=shape)
    except (OSError, ValueError, KeyError):
        return None
    errors = {int(row): str(reason) for row, reason in index["errors"].items()}
    checked = in_order(
        lambda row: row in errors or _digest(pixels[row]) == digests[row].tobytes(), range(count)
    )
    for row, sound in enumerate(checked):
        if not sound:
            return None
        if count * size * size * 3 > 2e9:
            progress("checking the pixel store", row + 1, count)
    return pixels, digests, errors
