"""Who may use the server: by default this machine alone, pages of this server, token holders."""

import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request

from .problems import Problem

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TOKEN_COOKIE = "convlens"  # noqa: S105 (a name, no secret)


class Auth:
    """Authorizes every request.

    A page of another site must not reach a server on the visitor's own machine: neither by its
    address (the `Origin` differs) nor by a name of its own that it points there (the `Host` does).

    Args:
        hosts: Names by which the server may be addressed; None allows any.
        token: What a caller has to show; None allows anyone.
    """

    def __init__(self, hosts: Sequence[str] | None, token: str | None) -> None:
        self.hosts = hosts
        self.token = token

    def authorize(self, request: Request) -> None:
        """Raise `Problem` (401 or 403) where a request is not allowed."""
        host = urlsplit("//" + request.headers.get("host", "")).hostname or ""
        if self.hosts is not None and host not in self.hosts:
            raise Problem(403, "Not for that name", detail=f"this server is not {host!r}")
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise Problem(
                403, "Not from there", detail="pages of other sites may not use this server"
            )
        if self.token is not None and not _shows(request, self.token):
            raise Problem(
                401,
                "A token is needed",
                detail="send 'Authorization: Bearer TOKEN', or open the page as /?token=TOKEN",
                www_authenticate="Bearer",
            )


def _shows(request: Request, token: str) -> bool:
    """Whether the token is in the header, the cookie, or, of the page alone, the URL."""
    credentials = (
        request.headers.get("authorization", "").removeprefix("Bearer "),
        request.cookies.get(TOKEN_COOKIE, ""),
        request.query_params.get("token", "") if request.url.path == "/" else "",
    )
    return any(
        hmac.compare_digest(credential.encode("utf-8", "replace"), token.encode())
        for credential in credentials
    )
