"""Which split a name stands for: that of a folder, a shard or a table, or what a cell says."""

import re
from pathlib import PurePosixPath

_SPLITS = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "valset": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "testset": "test",
}
_SAYS_NOTHING = frozenset(
    (
        *("set", "split", "data", "dataset", "folder", "seg"),
        *("image", "images", "img", "imgs", "picture", "pictures", "photo", "photos"),
    )
)
"""Words that people put beside these names."""


def split_named(name: str) -> str | None:
    """The split that a name stands for: `train`, `val`, `test`, or None where it is none's.

    Examples:
        >>> split_named("Train"), split_named("test_set"), split_named("seg_train")
        ('train', 'test', 'train')
        >>> split_named("train station"), split_named("images")
        (None, None)
    """
    words = [word for word in _words(name) if word not in _SAYS_NOTHING]
    return _SPLITS.get(words[0]) if len(words) == 1 else None


def split_of(name: str) -> str | None:
    """The split that the name of a shard or table begins with, as `train-000.tar`."""
    return _SPLITS.get(next(iter(_words(PurePosixPath(name).name)), ""))


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[-_.\s]+", name.lower()) if word]
