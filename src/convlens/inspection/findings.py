"""What `inspect` finds, as values, and the pictures in which it looks."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass

from ..pictures.catalog import PictureTable
from ..pictures.store import PixelStore


@dataclass(frozen=True)
class Finding:
    """Something to know about the pictures.

    `kind` is for programs, `what` says it in words, and `training` says what training does about
    it. `pictures` holds the names concerned, those that belong together as one.
    """

    kind: str
    what: str
    _: KW_ONLY
    training: str
    pictures: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Pictures:
    """The readable pictures.

    For each row of the catalog, `shorter_sides` is the length in pixels of the picture's shorter
    side; `identities` are equal where pixels are, and `near` where pictures are near duplicates.
    """

    catalog: PictureTable
    store: PixelStore
    _: KW_ONLY
    shorter_sides: tuple[int, ...]
    identities: tuple[bytes, ...]
    near: tuple[int, ...]

    def near_duplicates(self) -> list[list[int]]:
        """Clusters of near duplicates that are not all the very same picture."""
        return [
            rows for rows in clusters(self.near) if len({self.identities[row] for row in rows}) > 1
        ]

    def exact_duplicates(self) -> list[list[int]]:
        """Clusters of files with the same pixels."""
        return clusters(self.identities)

    def names(self, rows_of_clusters: Iterable[Sequence[int]]) -> tuple[tuple[str, ...], ...]:
        """The names of the pictures in clusters."""
        names = self.catalog.names
        return tuple(tuple(names[row] for row in rows) for rows in rows_of_clusters)


def clusters(keys: Iterable[Hashable]) -> list[list[int]]:
    """Rows with the same key, where there are two or more; a key of None stands for none."""
    rows_by_key: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        if key is not None:
            rows_by_key.setdefault(key, []).append(row)
    return [rows for rows in rows_by_key.values() if len(rows) > 1]
