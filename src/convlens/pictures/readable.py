"""The pictures that can be read, where the others are of no account."""

from collections.abc import Iterable, Iterator

from ..errors import PictureError
from .decode import RGB, decode
from .shards.read import streamed
from .source import Source


def readable(sources: Iterable[Source]) -> Iterator[RGB]:
    """The pixels of each that can be read, in order."""
    for source in streamed(sources):
        try:
            yield decode(source.read())
        except PictureError:  # cells of tables, or moved since
            continue
