"""The pixel store: every picture read, decoded and resized once, in one memory-mapped file."""

import contextlib
import hashlib
import os
from dataclasses import KW_ONLY, dataclass, replace
from math import prod
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError
from ..progress import Progress
from .cache import cache_folder, make_room, remember, remove_store
from .canvas import Frame, shape_of
from .catalog import PictureTable
from .fill import read_into, rows_to_read, stores_of, take_over
from .hashing import Contents, recall_hashes
from .stored import FORMAT, Stored, as_keys, check, load, writing

Table = TypeVar("Table", bound=PictureTable)


@dataclass(frozen=True)
class PixelStore:
    """Pixels of a catalog's pictures in one frame.

    `pixels` is a read-only memory map, uint8 [M, H, W, 3], one row per distinct picture;
    `rows` [N] gives each catalog row its index there, -1 where the picture is bad;
    `digests` [M, 16] identify equal pixels, `sides` [M] are the lengths in pixels of the pictures'
    shorter sides; `bad` maps catalog rows to the reason.
    """

    pixels: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    _: KW_ONLY
    digests: npt.NDArray[np.uint8]
    sides: npt.NDArray[np.int32]
    bad: dict[int, str]
    contents: Contents
    built: bool

    @property
    def size(self) -> int:
        """The side of pictures that are squashed to squares."""
        return int(self.pixels.shape[1])

    def identities(self) -> list[bytes]:
        """Of each catalog row: equal where pixels are, whatever the files."""
        return [self.digests[index].tobytes() for index in self.rows.tolist()]

    def without_bad(self, catalog: Table) -> tuple[Table, "PixelStore"]:
        """The catalog and the store with the rows of readable pictures only."""
        good = [row for row in range(len(catalog)) if row not in self.bad]
        return catalog.take(good), self.take(good)

    def take(self, rows: list[int]) -> "PixelStore":
        """The same store with only the given rows, all of them readable, in the given order."""
        contents = Contents(self.contents.hashes[rows], {})
        return replace(self, rows=self.rows[rows], contents=contents, bad={})


def open_store(catalog: PictureTable, frame: Frame, *, progress: Progress) -> PixelStore:
    """Open the store of these pictures in this frame; make it where it is missing or damaged.

    Each picture is read once at most: its hash, its pixels and its size come of the same bytes.
    What is known of it from before, or is in another store, is not read or decoded again. Keyed by
    content, so a copy of the folder, or the same pictures sorted into other classes, find it too.
    Two processes may make the same store at once. Raises `ConvlensError` where the disk or the
    cache's limit is too small.
    """
    hashes, path = recall_hashes(catalog)
    unreadable: dict[int, str] = {}
    stored = _find(hashes, frame, progress) if hashes.any(1).all() else None
    built = stored is None
    if stored is None:
        home, others = cache_folder("pixels"), stores_of(frame)
        wanted = [(row, catalog.sources[row]) for row in rows_to_read(hashes, others)]
        make_room(home, len(wanted) * prod(shape_of(frame)) * 3)
        with writing(home, frame) as writer:
            unreadable = read_into(wanted, hashes, writer=writer, others=others, progress=progress)
            remember(path, hashes)
            stored = _find(hashes, frame, progress)
            built = stored is None
            if stored is None:
                take_over(hashes, writer=writer, others=others)
                writer.finish(_folder(hashes, frame))
                stored = _find(hashes, frame, progress)
        if stored is None:
            raise ConvlensError(f"a pixel store in {home} does not read back: check that disk")
    rows = stored.rows_of(hashes)
    bad = {
        row: unreadable.get(row) or stored.errors[place]
        for row, place in enumerate(rows.tolist())
        if place < 0 or place in stored.errors
    }
    rows[list(bad)] = -1
    return PixelStore(
        stored.pixels,
        rows,
        digests=np.ascontiguousarray(stored.index["digest"]),
        sides=stored.index["side"],
        bad=bad,
        contents=Contents(hashes, unreadable),
        built=built,
    )


def _folder(hashes: npt.NDArray[np.uint8], frame: Frame) -> Path:
    """Where the store of pictures with these hashes is, whatever their order."""
    keys = np.unique(as_keys(hashes[hashes.any(1)]))
    heading = f"{FORMAT}|{frame}|{len(keys)}|".encode()
    return cache_folder("pixels") / hashlib.sha256(heading + keys.tobytes()).hexdigest()


def _find(hashes: npt.NDArray[np.uint8], frame: Frame, progress: Progress) -> Stored | None:
    """The store of pictures with these hashes; None where it is not there, or was damaged."""
    folder = _folder(hashes, frame)
    stored = load(folder, frame)
    if stored is not None and check(stored, progress):
        with contextlib.suppress(OSError):  # another process made room; what is mapped stays
            os.utime(folder)
        return stored
    stored = None  # Windows removes no file that is mapped
    remove_store(folder)
    return None
