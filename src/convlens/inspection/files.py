"""Files that give no picture."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from .findings import Finding

KINDS = (
    ("the file is empty", "empty", "empty files"),
    ("not a picture", "not_a_picture", "files that are no pictures"),
    ("truncated", "damaged", "truncated or damaged pictures"),
    ("", "unreadable", "unreadable files"),
)
"""How a reason begins, the kind of finding, and what it says."""
SHOWN = 5
"""Reasons that a finding names."""
NAMED = 3
"""Files and folders that a finding names."""
TRAINING = "leaves them out and lists them"


def unreadable(reasons: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Findings on files that could not be read, given as (name, reason)."""
    names: dict[str, list[str]] = {kind: [] for _, kind, _ in KINDS}
    reason_of = dict(reasons)
    for name, reason in reasons:
        names[next(kind for start, kind, _ in KINDS if reason.startswith(start))].append(name)
    for _, kind, what in KINDS:
        if names[kind]:
            why = Counter(_why(kind, reason_of[name]) for name in names[kind])
            del why[""]
            shown = "; ".join(f"{count:,} × {reason}" for reason, count in why.most_common(SHOWN))
            ellipsis = "; …" if len(why) > SHOWN else ""
            because = f" ({shown}{ellipsis})" if shown else ""
            yield _finding(kind, f"{len(names[kind]):,} {what}{because}", names[kind])


def _why(kind: str, reason: str) -> str:
    """What the kind of finding does not say: the kind of file, or why it could not be read."""
    return reason if kind == "unreadable" else reason.partition(", but ")[2]


def skipped(reasons: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Findings on files that are no part of the data, given as (name, reason)."""
    for reason, count in Counter(reason for _, reason in reasons).items():
        names = [name for name, its_reason in reasons if its_reason == reason]
        shown = ", ".join(names[:NAMED]) + (", …" if count > NAMED else "")
        yield _finding("skipped", f"{count:,} × {reason}: {shown}", names)


def _finding(kind: str, what: str, names: Iterable[str]) -> Finding:
    return Finding(kind, what, training=TRAINING, pictures=tuple((name,) for name in names))
