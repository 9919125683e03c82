"""Shards as a data set: what is in each is listed once and remembered, then read as streams."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConvlensError, PictureError
from ...files import write_whole
from ...parallel import in_order
from ..cache import cache_folder
from ..folder import Rows
from ..formats.opening import dimensions
from ..source import BytesSource, Source, content_hash
from ..split_name import split_of
from .find import ShardList
from .stream import Stream
from .tar import samples
from .urls import stamp

FORMAT = 4
"""Raised when what is remembered of a shard changes."""

AT_ONCE = 4
"""Shards that are listed at the same time."""


class Shard:
    """The pictures of one `.tar` as columns, in its order: a few dozen bytes for each.

    `names` are the members', `offsets` and `sizes` in bytes, `sides` the shorter one in pixels (0
    where it is no picture), `digests` [N, 32] the SHA-256 of the bytes.
    """

    def __init__(self, url: str, stamp: str, *, columns: dict[str, Any]) -> None:
        self.url = url
        self.stamp = stamp
        self.names: list[str] = columns["names"]
        self.offsets = np.array(columns["offsets"], np.int64)
        self.sizes = np.array(columns["sizes"], np.int64)
        self.sides = np.array(columns["sides"], np.int32)
        self.digests = np.frombuffer(bytes.fromhex(columns["digests"]), np.uint8).reshape(-1, 32)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, stream: Stream, row: int) -> bytes:
        """A picture's bytes; onwards in the stream where they are ahead. Raises `ConvlensError`."""
        stream.skip_to(int(self.offsets[row]))
        data = stream.read(int(self.sizes[row]))
        if content_hash(data) != self.digests[row].tobytes():
            _remembered(self.stamp).unlink(missing_ok=True)
            raise ConvlensError(
                f"{self.url} has changed since its pictures were listed ({self.names[row]!r} is "
                "another one now): begin again"
            )
        return data


@dataclass(frozen=True, slots=True)
class ShardSource:
    """A picture in a shard; rows count from 0."""

    shard: Shard
    row: int

    @property
    def name(self) -> str:
        """The shard's path or URL and the member, as `train-000.tar#0001.jpg`."""
        return f"{self.shard.url}#{self.shard.names[self.row]}"

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes, known from when the shard was listed."""
        return bytes(self.shard.digests[self.row].tobytes())

    @property
    def side(self) -> int:
        """The shorter side in pixels; 0 where it is no picture."""
        return int(self.shard.sides[self.row])

    def read(self) -> bytes:
        """The bytes, by themselves; for many of them see `streamed`."""
        with Stream(self.shard.url) as stream:
            return self.shard.read(stream, self.row)

    def stamp(self) -> str:
        """The shard's stamp and the row."""
        return f"{self.shard.stamp}#{self.row}"


def streamed(sources: Iterable[Source]) -> Iterator[Source]:
    """The same pictures in the same order; those in shards with their bytes in memory.

    Each run of pictures from one shard is one stream, and of those bytes only what has not been
    taken yet is in memory.
    """
    for shard, run in groupby(sources, key=lambda s: s.shard if isinstance(s, ShardSource) else s):
        if not isinstance(shard, Shard):
            yield from run
            continue
        with Stream(shard.url) as stream:
            for source in run:
                assert isinstance(source, ShardSource)  # noqa: S101
                yield BytesSource(source.name, shard.read(stream, source.row))


def read_shards(shards: ShardList) -> Rows:
    """The rows of a catalog. Raises `ConvlensError` where a shard is damaged or not complete.

    A shard whose name begins with `train`, `val` or `test` is of that split, unless its pictures
    say themselves.
    """
    rows = Rows()
    for shard, columns in list_shards(shards):
        split = split_of(shard.url)
        for row, label in enumerate(columns["labels"]):
            source = ShardSource(shard, row)
            rows.add(source, label, columns["splits"][row] or split, columns["groups"][row])
        rows.skipped += [(f"{shard.url}#{name}", reason) for name, reason in columns["skipped"]]
    return rows


def list_shards(shards: ShardList) -> Iterator[tuple[Shard, dict[str, Any]]]:
    """Each shard and what is in it: its columns, and `labels`, `splits`, `groups`, `objects`.

    Raises `ConvlensError` where one is damaged or not complete.
    """
    listed = in_order(lambda entry: _list(entry[0]), shards, workers=AT_ONCE)
    for (url, expected), (shard, columns) in zip(shards, listed, strict=True):
        if expected is not None and columns["count"] != expected:
            raise ConvlensError(
                f"{url} holds {columns['count']:,} pictures, and the index says {expected:,}: copy "
                "it anew"
            )
        yield shard, columns


def _remembered(stamped: str) -> Path:
    """The file of the cache that holds a shard's columns."""
    text = f"{FORMAT}|{stamped}".encode("utf-8", "surrogatepass")
    return cache_folder("shards") / f"{hashlib.sha256(text).hexdigest()}.json"


def _list(url: str) -> tuple[Shard, dict[str, Any]]:
    """What is in a shard: recalled, or read from its beginning to its end."""
    stamped = stamp(url)
    path = _remembered(stamped)
    try:
        columns: dict[str, Any] = json.loads(path.read_bytes())
        return Shard(url, stamped, columns=columns), columns
    except (OSError, ValueError, KeyError, TypeError):
        pass
    names = ("names", "offsets", "sizes", "sides", "labels", "splits", "groups", "objects")
    columns = {name: [] for name in (*names, "skipped")}
    digests, count = bytearray(), 0
    with Stream(url) as stream:
        for sample in samples(stream):
            count += not sample.passed_over
            picture = sample.picture
            if sample.label is None:
                columns["skipped"].append((picture.name, sample.reason))
                continue
            digests += content_hash(picture.data)
            stored = (picture.name, picture.offset, len(picture.data), _side(picture.data))
            values = (*stored, sample.label, sample.split, sample.group, sample.objects)
            for name, value in zip(names, values, strict=True):
                columns[name].append(value)
    columns |= {"count": count, "digests": digests.hex()}
    write_whole(path, json.dumps(columns))
    return Shard(url, stamped, columns=columns), columns


def _side(data: bytes) -> int:
    try:
        return min(dimensions(data))
    except PictureError:
        return 0
