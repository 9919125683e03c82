"""Pictures that are there twice, or look alike, under two labels, or in two splits."""

from collections.abc import Iterator, Sequence

from .findings import Finding, Pictures, clusters


def duplicates(pictures: Pictures) -> Iterator[Finding]:
    """Findings on exact and near duplicates."""
    exact = pictures.exact_duplicates()
    if exact:
        yield Finding(
            "exact_duplicates",
            f"{sum(map(len, exact)):,} files show {len(exact):,} pictures: exact copies",
            training="keeps the copies of a picture in one split",
            pictures=pictures.names(exact),
        )
    near = pictures.near_duplicates()
    if near:
        yield Finding(
            "near_duplicates",
            f"{sum(map(len, near)):,} pictures look alike, in {len(near):,} sets; the largest has "
            f"{max(map(len, near)):,}",
            training="keeps each set in one split, and uses all of it",
            pictures=pictures.names(near),
        )


def two_labels(pictures: Pictures, labels: Sequence[str]) -> Iterator[Finding]:
    """Findings on duplicates whose labels differ."""
    for kind, what, training, candidates in (
        (
            "two_labels",
            "pictures stand under two labels: the very same pixels",
            "leaves all their copies out, as they cannot be learnt",
            pictures.exact_duplicates(),
        ),
        (
            "near_two_labels",
            "sets of pictures that look alike have two labels or more",
            "learns them as they are: look whether all the labels are right",
            pictures.near_duplicates(),
        ),
    ):
        differing = [rows for rows in candidates if len({labels[row] for row in rows}) > 1]
        if differing:
            yield Finding(
                kind,
                f"{len(differing):,} {what}",
                training=training,
                pictures=pictures.names(differing),
            )


def crossing_splits(pictures: Pictures) -> Iterator[Finding]:
    """Findings on duplicates and groups that the data puts into two splits."""
    only = pictures.catalog.only_group
    if only is not None:
        yield Finding(
            "one_group",
            f"all pictures are of one group, {only!r}",
            training="stops: a group is not parted, so that none could be held out",
        )
    splits = pictures.catalog.splits
    for kind, what, keys in (
        ("crossing", "pictures, or others that look alike, stand in two splits", pictures.near),
        ("groups_crossing", "groups stand in two splits", pictures.catalog.groups),
    ):
        crossing = [
            rows for rows in clusters(keys) if len({splits[row] for row in rows} - {None}) > 1
        ]
        if crossing:
            yield Finding(
                kind,
                f"{len(crossing):,} {what}",
                training="leaves them out of all but one split: test before val before train",
                pictures=pictures.names(crossing),
            )
