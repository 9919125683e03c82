"""Content hashes of pictures, remembered while the files stay as they are."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .cache import cache_folder, recall
from .catalog import PictureTable
from .shards.read import ShardSource

UNREAD = bytes(32)
"""Stands for the hash of what has not been read, or cannot be."""


@dataclass(frozen=True)
class Contents:
    """SHA-256 of each picture's bytes, `hashes` [N, 32]; `unreadable` maps rows to the reason."""

    hashes: npt.NDArray[np.uint8]
    unreadable: dict[int, str]

    def hex(self, row: int) -> str:
        """The hash of a row in hexadecimal."""
        return bytes(self.hashes[row].tobytes()).hex()


def recall_hashes(catalog: PictureTable) -> tuple[npt.NDArray[np.uint8], Path]:
    """The pictures' hashes [N, 32] as far as they are known, and where to remember them.

    They are known where paths, sizes and times are as before, and of shards; zeros stand for what
    is still to be read.
    """
    stamps = hashlib.sha256()
    for source in catalog.sources:
        stamps.update(source.stamp().encode("utf-8", "surrogateescape") + b"\n")
    path = cache_folder("hashes") / f"{stamps.hexdigest()}.npy"
    known = recall(path)
    if known is not None and known.shape == (len(catalog), 32) and known.dtype == np.uint8:
        return known, path
    hashes = np.zeros((len(catalog), 32), np.uint8)
    for row, source in enumerate(catalog.sources):
        if isinstance(source, ShardSource):
            hashes[row] = np.frombuffer(source.digest, np.uint8)
    return hashes, path
