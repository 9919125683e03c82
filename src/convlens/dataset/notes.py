"""What was wrong with the pictures, and what training does about it."""

from dataclasses import dataclass

from ..pictures.catalog import unequal
from ..pictures.splits import EXCLUDED
from .prepare import Dataset

LEARN, JUDGE = 10, 50
"""A class with fewer pictures is too small to learn; or to judge, as a fifth is held out."""


@dataclass(frozen=True)
class Note:
    """A fact about the pictures and what is done about it; `warn`: to be said before training."""

    what: str
    done: str
    warn: bool = False


def notes_about(dataset: Dataset, balanced: bool) -> list[Note]:
    """What the user should know; `balanced`: every class counts alike."""
    found = []
    if dataset.skipped:
        name, reason = dataset.skipped[0]
        what = f"{len(dataset.skipped):,} files are no pictures to learn from; the first, {name}: "
        found.append(Note(what + reason, "they are left out", warn=True))
    excluded = len(dataset.split.rows(EXCLUDED))
    if excluded:
        what = (
            f"{excluded:,} pictures stand in two splits (themselves, near duplicates, or their "
            "group) or under two labels"
        )
        done = "they are left out; 'convlens inspect' lists them"
        found.append(Note(what, done, warn=True))
    sizes: dict[int, int] = {}
    for cluster in dataset.split.groups:
        sizes[cluster] = sizes.get(cluster, 0) + 1
    several = [size for size in sizes.values() if size > 1]
    if several:
        what = (
            f"{sum(several):,} pictures are in {len(several):,} sets of copies, near duplicates or "
            "groups"
        )
        found.append(Note(what, "each set is kept on one side of the split"))
    counts = dataset.catalog.counts()
    learnt = set(dataset.side("train").labels)
    found += [
        Note(f"class {label!r} has no training pictures", "it cannot be learnt", warn=True)
        for label in dataset.classes
        if label not in learnt
    ]
    for least, below, word in ((0, LEARN, "learn"), (LEARN, JUDGE, "judge")):
        few = [label for label, count in counts.items() if least <= count < below]
        if few:
            shown = ", ".join(few[:8]) + (", …" if len(few) > 8 else "")
            what = f"{len(few):,} classes have fewer than {below} pictures: {shown}"
            found.append(Note(what, f"that is too few to {word} them well: add pictures"))
    if unequal(counts.values()):
        most, fewest = max(counts.values()), min(counts.values())
        what = f"classes are unequal: {most:,} pictures of the largest, {fewest:,} of the smallest"
        done = "every class counts alike" if balanced else "every picture counts alike"
        found.append(Note(what, done))
    return found
