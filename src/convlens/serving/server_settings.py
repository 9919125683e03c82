"""Where a server is found, and by whom it may be used."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import UsageError

_HOST = re.compile(r"[\w.-]+|\[?([0-9a-f]*:){2,}[0-9a-f.]*\]?", re.ASCII | re.IGNORECASE)
"""A name, or an address in numbers."""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """By default it is found by any name, used by anyone, and alone at its address.

    Raises:
        UsageError: One of them cannot be.
    """

    hosts: Sequence[str] | None = None
    """Names by which it may be addressed, beside addresses in numbers; None allows any."""
    origins: Sequence[str] = ()
    """Other sites whose pages may use it, such as `https://example.org`."""
    token: str | None = None
    """What a caller has to show; None allows anyone."""
    root_path: str = ""
    """The path below which a proxy shows it, such as `/convlens`; empty where it has none."""
    access_log: bool = False
    """Whether a line on standard error tells of each request."""

    def __post_init__(self) -> None:
        token, path = self.token, self.root_path
        if token is not None and not (token and token.isascii() and token.isprintable()):
            raise UsageError(
                "a token has visible ASCII characters: no header or cookie can hold others"
            )
        if token is not None and token != token.strip():
            raise UsageError("a token does not begin or end with a space: headers lose it")
        for host in self.hosts or ():
            if not _HOST.fullmatch(host):
                raise UsageError(
                    f"--allow-host {host}: it is a name alone, without scheme or port, such as "
                    "example.org"
                )
        for origin in self.origins:
            address = urlsplit(origin)
            if not address.netloc or origin != f"{address.scheme}://{address.netloc}".lower():
                raise UsageError(
                    f"--allow-origin {origin}: it is a scheme, a name and perhaps a port, in lower "
                    "case, such as https://example.org"
                )
        if path and (path[0] != "/" or path[-1] == "/" or urlsplit(path).path != path):
            raise UsageError(
                f"--root-path {path}: it begins with a slash and ends without, such as /convlens"
            )
