"""Content hashes of every picture, remembered while the files stay as they are."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import PictureError
from ..parallel import in_order
from ..progress import Progress
from .cache import cache_folder, recall, remember
from .catalog import Catalog
from .shards.read import ShardSource
from .source import Source, content_hash

UNREADABLE = bytes(32)


@dataclass(frozen=True)
class Contents:
    """SHA-256 of each picture's bytes, `hashes` [N, 32]; `unreadable` maps rows to the reason."""

    hashes: npt.NDArray[np.uint8]
    unreadable: dict[int, str]

    def hex(self, row: int) -> str:
        """The hash of a row in hexadecimal."""
        return bytes(self.hashes[row].tobytes()).hex()


def _hash(source: Source) -> tuple[bytes, str]:
    if isinstance(source, ShardSource):
        return source.digest, ""
    try:
        return content_hash(source.read()), ""
    except PictureError as error:
        return UNREADABLE, str(error)


def content_hashes(catalog: Catalog, progress: Progress) -> Contents:
    """Hash every picture, or recall the hashes where paths, sizes and times are as before."""
    stamps = hashlib.sha256()
    for source in catalog.sources:
        stamps.update(source.stamp().encode("utf-8", "surrogateescape") + b"\n")
    remembered = cache_folder("hashes") / f"{stamps.hexdigest()}.npy"
    known = recall(remembered)
    if known is not None and known.shape == (len(catalog), 32) and known.dtype == np.uint8:
        return Contents(known, {})
    hashes = np.zeros((len(catalog), 32), np.uint8)
    unreadable: dict[int, str] = {}
    for row, (digest, reason) in enumerate(in_order(_hash, catalog.sources)):
        hashes[row] = np.frombuffer(digest, np.uint8)
        if reason:
            unreadable[row] = reason
        progress("reading pictures", row + 1, len(catalog))
    if not unreadable:  # a file that could not be read may be readable the next time
        remember(remembered, hashes)
    return Contents(hashes, unreadable)
