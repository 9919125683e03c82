"""A server that a proxy shows below a path."""

from starlette.datastructures import URL
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class PathPrefix:
    """ASGI middleware that finds the application below a path, and at the root too.

    So it does not matter whether the proxy takes the path away before it asks.

    Args:
        app: The application.
        prefix: Such as `/convlens`.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its path within the application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path == self.prefix:  # the page's relative addresses need the slash
            query = URL(scope=scope).query
            location = f"{self.prefix}/" + (f"?{query}" if query else "")
            await RedirectResponse(location)(scope, receive, send)
            return
        if not path.startswith(f"{self.prefix}/"):
            path = self.prefix + path
        await self.app({**scope, "path": path, "root_path": self.prefix}, receive, send)
