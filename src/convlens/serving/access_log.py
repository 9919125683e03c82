"""A line for each request."""

import time
from typing import TextIO
from urllib.parse import quote

from starlette.types import Scope


class AccessLog:
    """Writes a line for each request: when, who, what, the status, and how long it took.

    Args:
        file: Where the lines are written.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, scope: Scope, status: int, seconds: float) -> None:
        """Tell of a request that has ended; without its query, in which a token may be."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        client = scope["client"][0] if scope.get("client") else "-"
        what = f"{scope['method']} {quote(scope['path'])}"
        print(
            f"{now} {client} {what} {status} {1000 * seconds:.1f} ms", file=self._file, flush=True
        )
