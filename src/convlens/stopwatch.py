"""Where the time goes: the seconds of each named part of some work."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

OTHER = "other"
"""What was in no part."""
SHOWN = 0.01
"""Parts with a smaller share of the whole are told together."""


class Stopwatch:
    """Counts each moment for the innermost part that it is in, so that the parts are the whole.

    Args:
        clock: Tells seconds.

    Examples:
        >>> stopwatch = Stopwatch(iter([0.0, 1.0, 3.0, 7.0]).__next__)
        >>> with stopwatch.part("reading"):
        ...     pass
        >>> stopwatch.seconds()
        {'other': 5.0, 'reading': 2.0}
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._part, self._since = OTHER, clock()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time within it for this part, but for what is in parts inside of it."""
        outer = self._part
        self._switch(name)
        try:
            yield
        finally:
            self._switch(outer)

    def seconds(self) -> dict[str, float]:
        """Of each part until now, in the order in which they first began."""
        self._switch(self._part)
        return dict(self._seconds)

    def shares(self) -> dict[str, float]:
        """What each part but `other` has of all of them, 0 to 1."""
        parts = {name: spent for name, spent in self.seconds().items() if name != OTHER}
        total = sum(parts.values())
        return {name: spent / total if total else 0.0 for name, spent in parts.items()}

    def _switch(self, part: str) -> None:
        now = self._clock()
        self._seconds[self._part] = self._seconds.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now


def told(seconds: Mapping[str, float]) -> str:
    """`52.1 s: features 38.2, importing 3.1, …`: the whole, and its parts, the longest first."""
    whole = sum(seconds.values())
    parts = {name: spent for name, spent in seconds.items() if name != OTHER}
    shown = {name: spent for name, spent in parts.items() if spent >= SHOWN * whole}
    rest = whole - sum(shown.values())
    ordered = sorted(shown, key=shown.__getitem__, reverse=True)
    return f"{whole:,.1f} s: " + ", ".join(
        [f"{name} {shown[name]:,.1f}" for name in ordered] + [f"{OTHER} {rest:,.1f}"]
    )
