"""Timing several ways to do the same in turns, so that whatever else runs slows each alike."""

import time
from collections.abc import Callable, Mapping


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def seconds_in_turns(
    ways: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Seconds of each way in each round; a round before them warms up and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, work in ways.items():
            taken = seconds_of(work)
            if number:
                seconds[name].append(taken)
    return seconds
