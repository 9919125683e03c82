"""What happens to every request: it is authorized, its errors are answered, and it is counted."""

import time

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access_log import AccessLog
from .auth import Auth
from .limits.concurrency import ConcurrencyLimit
from .problems import Problem
from .prometheus import PrometheusMetrics


class RequestMiddleware:
    """ASGI middleware around the whole application.

    What the application raises past its own handlers becomes problem details. `HEAD` is answered
    as `GET`, without the body.

    Args:
        app: The application.
        auth: Decides whether a request is passed on.
        metrics: Where each request is counted.
        concurrency: Whose number of waiting requests is recorded.
        log: Where a line is written for each request; None for none.
    """

    def __init__(
        self,
        app: ASGIApp,
        auth: Auth,
        *,
        metrics: PrometheusMetrics,
        concurrency: ConcurrencyLimit,
        log: AccessLog | None,
    ) -> None:
        self.app = app
        self.auth = auth
        self.metrics = metrics
        self.concurrency = concurrency
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, if it is allowed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, asked = time.monotonic(), 0, scope
        head = scope["method"] == "HEAD"
        if head:
            scope = {**scope, "method": "GET"}

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                headers.setdefault("cache-control", "no-store")
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            self.auth.authorize(Request(scope))
            await self.app(scope, receive, send_noting_status)
        except Problem as problem:
            await problem.response()(scope, receive, send_noting_status)
        except ClientDisconnect:
            status = 499
        except Exception as error:  # a fault of ours, told without its insides
            if status:  # the response has begun: all that is left is to end the connection
                raise
            fault = Problem(500, "A fault in the server", detail=type(error).__name__)
            await fault.response()(scope, receive, send_noting_status)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            seconds = time.monotonic() - start
            self.metrics.count_request(path, status, seconds, self.concurrency.waiting)
            if self.log is not None:
                self.log.write(asked, status, seconds)
