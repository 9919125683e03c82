"""Who may use the server: by default this machine alone, pages of this server, token holders."""

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request

from .problems import Problem
from .server_settings import ServerSettings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN_PATHS = ("/health", "/metrics")
"""They need no token: probes and collectors seldom can show one, and here are only counts."""


class Auth:
    """Authorizes every request.

    A page of another site must not reach a server on the visitor's own machine: neither by its
    address (the `Origin` differs) nor by a name of its own that it points there (the `Host` does).
    Who asks for an address in numbers, or for none, as old probes do, is led here by no name.

    Args:
        settings: The names, origins and token that are allowed.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.hosts = settings.hosts and [host.lower() for host in settings.hosts]
        self.origins = settings.origins
        self.token = settings.token

    def authorize(self, request: Request) -> None:
        """Raise `Problem` (401 or 403) where a request is not allowed."""
        host, origin = request.headers.get("host"), request.headers.get("origin")
        if self.hosts is not None and host is not None and not _is_allowed(host, self.hosts):
            raise Problem(
                403,
                "Not for that name",
                detail=f"this server is not {host!r}; --allow-host allows a name",
            )
        if origin is not None and origin not in self.origins and not _is_same(origin, host):
            raise Problem(
                403,
                "Not from there",
                detail="pages of other sites may not use this server; --allow-origin allows one",
            )
        if self.token is not None and not _shows(request, self.token):
            raise Problem(
                401,
                "A token is needed",
                detail="send 'Authorization: Bearer TOKEN', or open the page as /?token=TOKEN",
                www_authenticate="Bearer",
            )


def cookie_of(token: str) -> str:
    """The name of the cookie with a token; browsers send those of one host to all of its ports."""
    return f"convlens-{hashlib.sha256(token.encode()).hexdigest()[:8]}"


def _is_allowed(host: str, names: Sequence[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:  # of brackets that are not closed
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in names
    return True


def _is_same(origin: str, host: str | None) -> bool:
    """Whether a page's origin is the server's own, as it was addressed."""
    scheme, _, own = origin.partition("://")
    port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return bool(own) and own.lower() == (host or "").lower().removesuffix(port)


def _shows(request: Request, token: str) -> bool:
    """Whether the token is in the header, the cookie, or, of the page alone, the URL."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    if path in OPEN_PATHS:
        return True
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    credentials = (
        credential.strip() if scheme.lower() == "bearer" else "",
        request.cookies.get(cookie_of(token), ""),
        request.query_params.get("token", "") if path == "/" else "",
    )
    return any(
        hmac.compare_digest(credential.encode("utf-8", "replace"), token.encode())
        for credential in credentials
    )
