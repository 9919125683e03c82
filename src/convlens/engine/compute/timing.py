"""How many pictures a second there are, and how long a piece of work takes at its fastest."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping

from ..distributed import SINGLE_PROCESS, Workers

SLOW = 1.5
"""Work that takes so many times as long as the fastest beside it is not timed any longer."""
WINDOW = 50
"""Steps over which a rate is told."""


class Throughput:
    """Pictures per second over the last `WINDOW` steps."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, float]] = deque(maxlen=WINDOW)

    def add(self, pictures: int, seconds: float) -> float:
        """Count a step; returns the rate with it."""
        self._steps.append((pictures, seconds))
        return sum(n for n, _ in self._steps) / sum(s for _, s in self._steps)


def seconds_of(work: Callable[[], object], wait: Callable[[], None] | None = None) -> float:
    """What a piece of work takes; `wait` returns when a device that works ahead is done."""
    begun = time.perf_counter()
    work()
    if wait is not None:
        wait()
    return time.perf_counter() - begun


def fastest_turns(
    timers: Mapping[str, Callable[[], float]],
    seconds: float,
    *,
    fewest: int,
    most: float = math.inf,
    workers: Workers = SINGLE_PROCESS,
) -> dict[str, float]:
    """The seconds of each timer's fastest turn, as whatever else runs makes others slower.

    They go in turns, so that a slow moment of the machine falls on all of them, and those that are
    clearly slower (`SLOW`) drop out. Workers take their turns together, and the first one's clock
    decides.

    Args:
        timers: By name, what does the work once and returns its seconds.
        seconds: For how long to go on, all turns together, after the fewest turns.
        fewest: Turns of each that is not dropped.
        most: Turns after which to end however few seconds went by.
        workers: The processes that do the work together.
    """
    turns: dict[str, list[float]] = {name: [] for name in timers}
    names, done = list(timers), False
    while not done:
        for name in names:
            turns[name].append(timers[name]())
        best = min(map(min, turns.values()))
        names = [name for name in names if min(turns[name]) < SLOW * best]
        count, spent = len(turns[names[0]]), sum(map(sum, turns.values()))
        done = count >= fewest and (spent >= seconds or count >= most)
        names, done = workers.broadcast(lambda: (names, done))  # noqa: B023
    return workers.broadcast(lambda: {name: min(times) for name, times in turns.items()})


def fastest_seconds(
    work: Callable[[], object],
    turns: int = 5,
    *,
    seconds: float = 0.3,
    wait: Callable[[], None] | None = None,
    workers: Workers = SINGLE_PROCESS,
) -> float:
    """What a piece of work takes in the fastest of some turns, after one that is not counted.

    There are at least so many turns, and more for as long as so many seconds have not gone by.
    """
    work()
    timers = {"work": lambda: seconds_of(work, wait)}
    return fastest_turns(timers, seconds, fewest=turns, workers=workers)["work"]
