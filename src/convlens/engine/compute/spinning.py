"""Threads of OpenMP spin where they wait for each other only while nobody else wants the cores.

Between two parallel pieces of a step, OpenMP's threads wait in a busy loop for some milliseconds
before they sleep. Alone, that is fastest. Beside other work they take the cores from the very
threads that they wait for, and a step takes several times as long as if they slept at once. GNU's
OpenMP, which PyTorch comes with on Linux, is told how to wait by the environment when it is loaded,
and never after; but it hardly spins whenever it manages more threads than there are processors. So,
while threads are kept waiting for a processor, further ones are held that do nothing at all.
Arithmetic stays as it was: as many threads compute.
"""

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

TASKS = Path("/proc/self/task")
PERIOD = 0.5
"""Seconds between two looks at how long threads were kept waiting."""
CROWDED = 0.25
"""Share of the time for which one of them is ready and has no processor, from which it is taken
that others want the cores."""

_watching = threading.Lock()


def kept_waiting() -> dict[str, float]:
    """Seconds that each thread of this process was ready and had no processor, where Linux says."""
    seconds = {}
    with suppress(OSError):
        for task in TASKS.iterdir():
            with suppress(OSError, ValueError, IndexError):
                nanoseconds = (task / "schedstat").read_text().split()[1]
                seconds[task.name] = int(nanoseconds) / 1e9
    return seconds


def libgomp() -> ctypes.CDLL | None:
    """GNU's OpenMP as it was loaded with torch; None where another one is."""
    with suppress(OSError):
        maps = Path("/proc/self/maps").read_text().splitlines()
        for path in {line.split()[-1] for line in maps if "libgomp" in line}:
            return ctypes.CDLL(path)
    return None


class IdleTeam:
    """Sleeping threads, so many that with torch's there are more than processors."""

    def __init__(self, gomp: ctypes.CDLL) -> None:
        self._gomp = gomp
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)
        self._thread.start()

    def _hold(self) -> None:
        computing, nothing = torch.get_num_threads(), ctypes.CDLL(None).getppid
        if computing > 1:
            count = max(2, self._gomp.omp_get_num_procs() - computing + 2)  # with this one
            self._gomp.GOMP_parallel(nothing, None, count, 0)
        self._over.wait()  # they are this thread's team, and end with it

    def end(self) -> None:
        """Let them go."""
        self._over.set()
        self._thread.join()


@contextmanager
def considerate_threads() -> Iterator[None]:
    """Within it, threads sleep where they wait for each other while others want the cores.

    Nothing changes without GNU's OpenMP or Linux's accounts of waiting, or where the environment
    says how to wait (`OMP_WAIT_POLICY`, `GOMP_SPINCOUNT`).
    """
    told = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()
    gomp = None if told else libgomp()
    if gomp is None or not _watching.acquire(blocking=False):  # or it is within it already
        yield
        return
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(gomp, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        _watching.release()


def _watch(gomp: ctypes.CDLL, over: threading.Event) -> None:
    team: IdleTeam | None = None
    before, then = kept_waiting(), time.monotonic()
    while not over.wait(PERIOD):
        after, now = kept_waiting(), time.monotonic()
        longest = max((after[task] - before.get(task, 0.0) for task in after), default=0.0)
        crowded = longest > CROWDED * (now - then)
        if crowded and team is None:
            team = IdleTeam(gomp)
        elif not crowded and team is not None:
            team.end()
            team = None
        before, then = after, now
    if team is not None:
        team.end()
