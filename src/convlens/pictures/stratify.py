"""Sets of pictures to splits: a set stays whole, and each split gets its share of every class."""

from collections import Counter
from collections.abc import Mapping, Sequence

DRAWN = ("test", "val", "train")
"""The order in which a class's single pictures are taken."""


def stratify(sets: Sequence[Sequence[str]], shares: Mapping[str, float]) -> list[str]:
    """The split of each set of pictures, whose labels are given, in the order of drawing.

    `shares` of `train`, `val` and `test` add up to 1. Larger sets go first; each goes where its
    classes are furthest behind their shares, as in Sainte-Laguë's apportionment. Every class has a
    training picture, and, where it has two sets, a test picture. Single pictures go class by class,
    and what rounding keeps from `val` in one class it gets in the next ones, so that of many small
    classes it has its share too.

    Args:
        sets: The labels of each set's pictures.
        shares: Of the pictures, by split; a split with a share of 0 gets none.

    Returns:
        One split per set.

    Examples:
        >>> stratify([["a", "a"], ["a"], ["a"]], {"train": 0.5, "val": 0.0, "test": 0.5})
        ['train', 'test', 'test']
    """
    counts = [Counter(labels) for labels in sets]
    totals = Counter(label for labels in sets for label in labels)
    left = Counter(label for count in counts for label in count)
    wanted = {s: {k: share * n for k, n in totals.items()} for s, share in shares.items() if share}
    got: dict[str, Counter[str]] = {split: Counter() for split in wanted}

    def behind(split: str, count: Counter[str]) -> float:
        return sum(n * (got[split][k] + n / 2) / wanted[split][k] for k, n in count.items())

    def put(count: Counter[str]) -> str:
        if any(not got["train"][label] for label in count):
            split = "train"
        elif "test" in got and any(left[k] == 1 and not got["test"][k] for k in count):
            split = "test"
        else:
            split = min(wanted, key=lambda split: behind(split, count))
        got[split].update(count)
        left.subtract(count.keys())
        return split

    dealt = [""] * len(sets)
    singles: dict[str, list[int]] = {}
    for index in sorted(range(len(sets)), key=lambda index: -len(sets[index])):
        if len(sets[index]) > 1:
            dealt[index] = put(counts[index])
        else:
            singles.setdefault(sets[index][0], []).append(index)
    owed = 0.0
    for label in sorted(singles):
        fair = wanted.get("val", {}).get(label, 0.0)
        if fair:
            wanted["val"][label] = max(fair + owed, 1e-9)
        splits = sorted((put(counts[index]) for index in singles[label]), key=DRAWN.index)
        for index, split in zip(singles[label], splits, strict=True):
            dealt[index] = split
        if fair:
            owed += fair - got["val"][label]
    return dealt
