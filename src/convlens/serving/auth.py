"""Who may ask: this machine alone unless told, pages of this server, holders of the token."""

import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request

from .concurrency import Problem

LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "convlens"


class Guard:
    """Checks every request; `hosts` None takes any name of this server, `token` None any caller.

    A page of another site must not reach a server on the visitor's own machine: neither by its
    address (the `Origin` differs) nor by a name of its own that it points there (the `Host` does).
    """

    def __init__(self, hosts: Sequence[str] | None, token: str | None) -> None:
        self.hosts = hosts
        self.token = token

    def check(self, request: Request) -> None:
        """Raise `Problem` where a request may not be."""
        host = urlsplit("//" + request.headers.get("host", "")).hostname or ""
        if self.hosts is not None and host not in self.hosts:
            raise Problem(403, "Not for that name", detail=f"this server is not {host!r}")
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise Problem(
                403, "Not from there", detail="pages of other sites may not use this server"
            )
        if self.token is not None and not self._holds(request):
            raise Problem(
                401,
                "A token is needed",
                detail="send 'Authorization: Bearer TOKEN', or open the page as /?token=TOKEN",
                www_authenticate="Bearer",
            )

    def _holds(self, request: Request) -> bool:
        given = [
            request.headers.get("authorization", "").removeprefix("Bearer "),
            request.cookies.get(COOKIE, ""),
            request.query_params.get("token", "") if request.url.path == "/" else "",
        ]
        wanted = (self.token or "").encode()
        return any(hmac.compare_digest(one.encode("utf-8", "replace"), wanted) for one in given)
