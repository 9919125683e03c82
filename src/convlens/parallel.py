"""One way to do the same thing to many items at once: threads, in order, a bounded number ahead."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from .cpu_quota import cpu_quota

Item = TypeVar("Item")
Result = TypeVar("Result")


_most: ContextVar[int | None] = ContextVar("_most", default=None)


@contextmanager
def at_most(threads: int | None) -> Iterator[None]:
    """Within it `cores` are so many, where a number is given."""
    token = _most.set(threads)
    try:
        yield
    finally:
        _most.reset(token)


def cores() -> int:
    """Processors that this process may use: its own, and no more than a container's quota."""
    asked = _most.get()
    if asked is not None:
        return asked
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return own if quota > own else max(1, math.ceil(quota))


def worker() -> tuple[int, int]:
    """This process's number, from 0, and how many work together: (0, 1) unless torchrun says."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int | None = None
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in the items' order, computed by `workers` threads.

    At most four results per worker wait to be taken, so memory does not grow with the number of
    items. Decoding, hashing and ONNX Runtime all release the interpreter's lock, so threads use
    every core. An exception (Ctrl-C too) cancels what has not begun.
    """
    workers = workers or cores()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="convlens")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
