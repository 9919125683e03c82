"""Shards as a data set: what is in each is listed once and remembered, then read as streams."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...errors import ConvlensError, PictureError
from ...files import write_whole
from ...parallel import in_order
from ..cache import cache_folder
from ..decode import dimensions
from ..folder import SPLIT_NAMES, Rows
from ..source import Source, content_hash
from .streams import Stream, key, stamp
from .tar import samples

FORMAT = 1
"""Raised when what is remembered of a shard changes."""

AT_ONCE = 4
"""Shards that are listed at the same time."""


@dataclass(frozen=True, slots=True)
class Held:
    """A picture whose bytes are at hand."""

    name: str
    data: bytes

    def read(self) -> bytes:
        """The bytes."""
        return self.data

    def stamp(self) -> str:
        """Their SHA-256."""
        return content_hash(self.data).hex()


class Shard:
    """The pictures of one `.tar` as columns, in its order: a few dozen bytes for each.

    `names` are the members', `offsets` and `sizes` in bytes, `sides` the shorter one in pixels (0
    where it is no picture), `digests` [N, 32] the SHA-256 of the bytes.
    """

    def __init__(self, place: str, stamp: str, *, columns: dict[str, Any]) -> None:
        self.place = place
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
                f"{self.place} has changed since its pictures were listed ({self.names[row]!r} is "
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
        """The shard's place and the member, as `train-000.tar#0001.jpg`."""
        return f"{self.shard.place}#{self.shard.names[self.row]}"

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
        with Stream(self.shard.place) as stream:
            return self.shard.read(stream, self.row)

    def stamp(self) -> str:
        """The shard's stamp and the row."""
        return f"{self.shard.stamp}#{self.row}"


def streamed(sources: Iterable[Source]) -> Iterator[Source]:
    """The same pictures in the same order; those in shards with their bytes at hand.

    Each run of pictures from one shard is one stream, and of those bytes only what has not been
    taken yet is in memory.
    """
    for shard, run in groupby(sources, key=lambda s: s.shard if isinstance(s, ShardSource) else s):
        if not isinstance(shard, Shard):
            yield from run
            continue
        with Stream(shard.place) as stream:
            for source in run:
                assert isinstance(source, ShardSource)  # noqa: S101
                yield Held(source.name, shard.read(stream, source.row))


def read_shards(places: Sequence[tuple[str, int | None]]) -> Rows:
    """The rows of a catalog. Raises `ConvlensError` where a shard is damaged or not complete.

    A shard whose name begins with `train`, `val` or `test` is of that split, unless its pictures
    say themselves.
    """
    rows = Rows()
    listed = in_order(lambda place: _list(place[0]), places, workers=AT_ONCE)
    for (place, wanted), (shard, columns) in zip(places, listed, strict=True):
        if wanted is not None and columns["count"] != wanted:
            raise ConvlensError(
                f"{place} holds {columns['count']:,} pictures, and the index says {wanted:,}: copy "
                "it anew"
            )
        split = split_of(place)
        for row, label in enumerate(columns["labels"]):
            source = ShardSource(shard, row)
            rows.add(source, label, columns["splits"][row] or split, columns["groups"][row])
        rows.skipped += [(f"{place}#{name}", why) for name, why in columns["skipped"]]
    return rows


def split_of(place: str) -> str | None:
    """The split that a shard's name begins with."""
    first = PurePosixPath(place).name.replace("_", "-").replace(".", "-").split("-")[0]
    return SPLIT_NAMES.get(first.lower())


def _remembered(stamped: str) -> Path:
    return cache_folder("shards") / f"{key(f'{FORMAT}|{stamped}')}.json"


def _list(place: str) -> tuple[Shard, dict[str, Any]]:
    """What is in a shard: recalled, or read from its beginning to its end."""
    stamped = stamp(place)
    path = _remembered(stamped)
    try:
        columns: dict[str, Any] = json.loads(path.read_bytes())
        return Shard(place, stamped, columns=columns), columns
    except (OSError, ValueError, KeyError, TypeError):
        pass
    names = ("names", "offsets", "sizes", "sides", "labels", "splits", "groups", "skipped")
    columns = {name: [] for name in names}
    digests, count = bytearray(), 0
    with Stream(place) as stream:
        for sample in samples(stream):
            count += 1
            picture = sample.picture
            if sample.label is None:
                columns["skipped"].append((picture.name, sample.why))
                continue
            digests += content_hash(picture.data)
            where = (picture.name, picture.offset, len(picture.data), _side(picture.data))
            values = (*where, sample.label, sample.split, sample.group)
            for name, value in zip(names, values, strict=False):
                columns[name].append(value)
    columns |= {"count": count, "digests": digests.hex()}
    write_whole(path, json.dumps(columns))
    return Shard(place, stamped, columns=columns), columns


def _side(data: bytes) -> int:
    try:
        return min(dimensions(data))
    except PictureError:
        return 0
