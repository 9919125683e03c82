"""What keeps a server from taking on too much, and how it says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Problem(Exception):  # noqa: N818 (named by RFC 9457)
    """An answer that is no success, as problem+json has it (RFC 9457)."""

    def __init__(self, status: int, title: str, *, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class UploadLimit:
    """ASGI middleware that ends a request whose body grows beyond a number of bytes.

    What its head promises is believed where it is too much, and never where it is little.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.most:
                raise too_large(self.most)
            return message

        await self.app(scope, counted, send)


def too_large(most: int) -> Problem:
    """The refusal of a body of more bytes."""
    return Problem(
        413, "Too large", detail=f"a request may have {most:,} bytes", connection="close"
    )


class Gate:
    """Lets so many requests work at once and so many wait."""

    def __init__(self, working: int, waiting: int) -> None:
        self._turns = asyncio.Semaphore(working)
        self._most = waiting
        self.waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn. Raises `Problem` where too many wait already."""
        if self._turns.locked() and self.waiting >= self._most:
            raise Problem(
                503,
                "Busy",
                detail=f"{self.waiting} requests wait already; try again",
                retry_after="1",
            )
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._turns.release()
