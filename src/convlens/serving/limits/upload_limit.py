"""Ends a request whose body is larger than the server takes, however it was announced."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..problems import content_too_large


class UploadLimit:
    """ASGI middleware that counts the bytes of a request's body as they come.

    Args:
        app: The application that reads the body.
        limit: Bytes that a body may have; reading more raises `Problem` (413).
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise content_too_large(self.limit)
            return message

        await self.app(scope, receive_counted, send)
