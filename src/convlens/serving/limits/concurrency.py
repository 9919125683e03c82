"""How many requests compute at once, how many wait, for how long, and for whom."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.requests import Request

from ..problems import Problem, client_left

Result = TypeVar("Result")


class ConcurrencyLimit:
    """Lets a number of requests compute at once and a number of others wait.

    A slot is free again when its thread is done, and not when its request is given up: no more
    threads than slots ever compute. What is given up before it has a slot is never computed.

    Args:
        running: Requests that compute at once.
        waiting: Requests that may wait; a further one is refused.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(running)
        self._threads = ThreadPoolExecutor(running, thread_name_prefix="convlens-serving")
        self._most_waiting = waiting
        self.waiting = 0

    async def run(self, function: Callable[[], Result]) -> tuple[Result, float]:
        """Call a function in a thread, once a slot is free.

        Returns:
            The function's result, and the seconds that it took, without the wait.

        Raises:
            Problem: As many requests as may wait do so already (503).
        """
        await self._acquire()
        task = asyncio.get_running_loop().run_in_executor(self._threads, _timed, function)
        task.add_done_callback(self._release)
        await asyncio.wait([task])  # which leaves the task alone where it is cancelled itself
        return task.result()

    async def _acquire(self) -> None:
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

    def _release(self, task: "asyncio.Future[Any]") -> None:
        self._slots.release()
        task.exception()  # nobody may be left to be told of it


def _timed(function: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = function()
    return result, round(time.perf_counter() - start, 4)


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


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The work's result, unless the client leaves: then the work is given up.

    Args:
        request: Its body has been read.
        work: What answers it.

    Raises:
        Problem: The client has left (499, of which nobody reads).
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise client_left()
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
