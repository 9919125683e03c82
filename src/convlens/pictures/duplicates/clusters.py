"""Connected sets of rows: a union-find."""

from collections.abc import Hashable, Iterable, Iterator


def connected_components(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """The component of each row, by the number of one of its rows; `pairs` connect rows.

    Args:
        count: how many rows there are, numbered from 0.
        pairs: rows that belong together, as (row, other).

    Returns:
        One number per row, equal where rows are connected.
    """
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for row, other in pairs:
        parent[root(row)] = root(other)
    return [root(row) for row in range(count)]


def clusters_by_key(keys: Iterable[Iterable[Hashable]]) -> list[int]:
    """The component of each row, where rows that share a key are connected.

    `keys` gives each row's keys, such as its content, its pixels and its group.
    """
    keys_of_rows = list(map(list, keys))
    first_row: dict[Hashable, int] = {}

    def pairs() -> Iterator[tuple[int, int]]:
        for row, row_keys in enumerate(keys_of_rows):
            for key in row_keys:
                yield row, first_row.setdefault(key, row)

    return connected_components(len(keys_of_rows), pairs())
