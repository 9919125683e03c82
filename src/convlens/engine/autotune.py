"""The ways to compute are timed, and the fastest is taken and remembered."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import torch

from ..errors import ConvlensError
from ..files import write_whole
from ..options import CHOICES, GPU
from ..pictures.cache import cache_folder
from .distributed import ALONE, Workers
from .execution import Compute, accelerator, keep_memory, processor


def usual_ways() -> tuple[str, ...]:
    """Names of the ways to compute that this machine has."""
    return CHOICES if accelerator() is None else (*CHOICES, *GPU)


class TuningCache:
    """The fastest way for one kind of step on this machine, from an earlier run.

    `what` tells the network, the side, and whatever else decides; the processor, the threads and
    torch's version are added.
    """

    def __init__(self, threads: int, *what: object) -> None:
        self._kind = [processor(), threads, torch.__version__, usual_ways(), *map(str, what)]

    def _path(self) -> Path:
        key = hashlib.sha256(json.dumps(self._kind).encode()).hexdigest()
        return cache_folder("compute") / f"{key}.json"

    def get(self) -> str | None:
        """A name from `usual_ways()`; None where nothing is remembered."""
        with suppress(OSError, ValueError, KeyError, TypeError, ConvlensError):
            choice = json.loads(self._path().read_text())["choice"]
            if choice in usual_ways():
                return str(choice)
        return None

    def keep(self, choice: str) -> None:
        """Remember it; without a cache nothing is remembered, and nothing lost."""
        with suppress(ConvlensError):
            record = {"choice": choice, "for": self._kind}
            write_whole(self._path(), json.dumps(record, indent=2) + "\n")


HOPELESS, SECONDS = 4.0, 1.0
"""A first step that takes so many times as long as another's, and longer than this, which making
kernels does not take: nothing in that precision is fast."""


def _begun(
    candidates: list[Compute], step: Callable[[Compute], None], *, workers: Workers
) -> list[Compute]:
    """Those worth timing, after a first step, which allocates and compiles kernels.

    Without instructions for bfloat16 a step in it can take a minute. A GPU may have too little
    memory, or lack an operation.
    """
    least, hopeless, left = float("inf"), set(), list[Compute]()
    for candidate in candidates:
        if (candidate.elsewhere, candidate.numbers) in hopeless:
            continue
        try:
            spent = candidate.seconds(lambda: step(candidate))  # noqa: B023
        except RuntimeError:
            if not candidate.elsewhere or not left:
                raise
            continue
        spent = workers.agree(lambda own=spent: own)  # type: ignore[misc]
        if spent > max(HOPELESS * least, SECONDS):
            hopeless.add((candidate.elsewhere, candidate.numbers))
            continue
        least = min(least, spent)
        left.append(candidate)
    return left


def autotune(
    names: Sequence[str],
    threads: int,
    *,
    step: Callable[[Compute], None],
    workers: Workers = ALONE,
    seconds: float = 1.0,
) -> tuple[Compute, dict[str, float]]:
    """The fastest way to do `step`, and the least seconds of each candidate.

    The candidates take turns, so that a slow moment of the machine falls on all of them, and the
    fastest turn of each counts, as whatever else runs makes others slower. One that is much slower
    than another at its first turn gets no second. Workers take their steps together, and the first
    one's clock decides.
    """
    torch.set_num_threads(threads)
    keep_memory()
    candidates = [Compute(name, threads) for name in names]
    candidates = _begun(candidates, step, workers=workers)
    times: dict[str, list[float]] = {candidate.choice: [] for candidate in candidates}
    end = time.perf_counter() + seconds * len(candidates)
    while True:
        for candidate in list(candidates):
            spent = candidate.seconds(lambda: step(candidate))  # noqa: B023
            times[candidate.choice].append(spent)
        best = min(min(seen) for seen in times.values())
        good = [c.choice for c in candidates if min(times[c.choice]) < 1.5 * best]
        over = time.perf_counter() > end or min(len(times[name]) for name in good) >= 8
        left, over = workers.agree(lambda: (good, over))  # noqa: B023
        candidates = [c for c in candidates if c.choice in left]
        if over:
            break
    least = workers.agree(lambda: {name: min(seen) for name, seen in times.items()})
    fastest = min((c.choice for c in candidates), key=least.__getitem__)
    return Compute(fastest, threads), least
