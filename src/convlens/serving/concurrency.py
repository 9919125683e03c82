"""How many requests compute at once, how many wait for it, and for how long."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio.to_thread

from .problems import Problem

Result = TypeVar("Result")


class ConcurrencyLimit:
    """Lets a number of requests compute at once and a number of others wait.

    Args:
        running: Requests that compute at once.
        waiting: Requests that may wait; a further one is refused.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(running)
        self._most_waiting = waiting
        self.waiting = 0

    async def run(self, function: Callable[[], Result]) -> tuple[Result, float]:
        """Call a function in a thread, once a slot is free.

        Returns:
            The function's result, and the seconds that it took, without the wait.

        Raises:
            Problem: As many requests as may wait do so already (503).
        """
        async with self._slot():
            start = time.perf_counter()
            result = await anyio.to_thread.run_sync(function, abandon_on_cancel=True)
            return result, round(time.perf_counter() - start, 4)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._slots.locked() and self.waiting >= self._most_waiting:
            raise Problem(
                503,
                "Busy",
                detail=f"{self.waiting} requests wait already; try again",
                retry_after="1",
            )
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Give a request up after so many seconds, waiting included, with a `Problem` (504)."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Problem(
            504, "Too slow", detail=f"a request has {seconds:g} s, waiting included"
        ) from None
