"""Large pictures in tiles, each seen with what lies around it."""

from collections.abc import Iterator
from typing import NamedTuple


class Tile(NamedTuple):
    """Along one axis: what is its own, and what it sees, both in pixels of the whole."""

    own: slice
    seen: slice

    def inside(self, stride: int = 1) -> slice:
        """Its own part of what it sees, in maps of that stride."""
        begin = self.seen.start
        return slice((self.own.start - begin) // stride, (self.own.stop - begin) // stride)


def tiles(length: int, *, side: int, reach: int) -> Iterator[Tile]:
    """Tiles side by side, each of which sees so far to both sides."""
    for begin in range(0, length, side):
        end = min(begin + side, length)
        yield Tile(slice(begin, end), slice(max(0, begin - reach), min(length, end + reach)))
