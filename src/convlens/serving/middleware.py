"""What happens to every request: who asks is checked, and the answer is counted."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse

from .auth import Guard
from .concurrency import Gate, Problem, Receive, Scope, Send
from .metrics import Metrics


def problem_response(problem: Problem) -> JSONResponse:
    """A problem as problem+json."""
    return JSONResponse(
        {"title": problem.title, "status": problem.status, "detail": problem.detail},
        problem.status,
        problem.headers,
        "application/problem+json",
    )


class Around:
    """ASGI middleware; what the application raises past its own handlers becomes a problem."""

    def __init__(
        self,
        app: Callable[[Scope, Receive, Send], Awaitable[None]],
        guard: Guard,
        *,
        metrics: Metrics,
        gate: Gate,
    ) -> None:
        self.app = app
        self.guard = guard
        self.metrics = metrics
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, if it may be."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.monotonic(), 0

        async def told(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            self.guard.check(Request(scope))
            await self.app(scope, receive, told)
        except Problem as problem:
            await problem_response(problem)(scope, receive, told)
        except Exception as error:  # a fault of ours, told without its insides
            if status:  # the answer has begun: all that is left is to end the connection
                raise
            fault = Problem(500, "A fault in the server", detail=type(error).__name__)
            await problem_response(fault)(scope, receive, told)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            seconds = time.monotonic() - begun
            self.metrics.request(path, status, seconds, self.gate.waiting)
