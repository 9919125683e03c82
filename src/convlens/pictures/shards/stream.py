"""One way to read a file as a stream, whether it is at a path or a URL."""

import itertools
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from ...errors import ConvlensError
from .urls import filesystem, is_url, reason_of

AHEAD = 8 << 20
"""Bytes that are fetched ahead of a stream; so many are passed over rather than asked for anew."""

TRIES = 4
"""So often a stream is begun again where it broke off, after 1, 2 and 4 seconds."""


class Stream:
    """The bytes of a file at a path or URL, read forward; begun again where the stream breaks off.

    Memory is what is fetched ahead. Raises `ConvlensError`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.position = 0
        self._file: Any = None

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end."""
        for attempt in itertools.count():
            try:
                return self._read(size)
            except ConvlensError:
                raise
            except Exception as error:  # every file system raises kinds of its own
                self.close()
                final = isinstance(error, FileNotFoundError | PermissionError)
                if final or not is_url(self.url) or attempt + 1 == TRIES:
                    raise ConvlensError(
                        f"cannot read {self.url} at byte {self.position:,}: "
                        f"{reason_of(error, self.url)}"
                    ) from error
                time.sleep(2**attempt)
        raise AssertionError

    def skip_to(self, position: int) -> None:
        """Go on from there: read up to it where it is near, else open the file anew."""
        if self._file is None or not 0 <= position - self.position <= AHEAD:
            self.close()
            self.position = position
        while self.position < position:
            if not self.read(min(1 << 20, position - self.position)):
                return

    def _read(self, size: int) -> bytes:
        if self._file is None:
            self._file = self._open()
            self._advance()
        blocks, missing = [], size
        while missing:
            block = self._file.read(missing)
            if not block:
                break
            blocks.append(block)
            missing -= len(block)
        self.position += size - missing
        return b"".join(blocks)

    def _open(self) -> Any:
        if not is_url(self.url):
            if not Path(self.url).is_file():
                raise ConvlensError(f"there is no file {self.url}")
            return Path(self.url).open("rb")
        system, path = filesystem(self.url)
        if not self.url.startswith("http"):
            return system.open(path, "rb")
        # far in, by ranges, where the server answers them; else as one answer
        by_ranges = self.position > AHEAD and system.info(path).get("partial")
        block_size = AHEAD if by_ranges else 0
        return system.open(path, "rb", block_size=block_size, cache_type="readahead")

    def _advance(self) -> None:
        """To where the stream was; a server that sends files only whole is read up to there."""
        if not self.position:
            return
        try:
            self._file.seek(self.position)
        except (OSError, ValueError):
            missing = self.position
            while missing:
                block = self._file.read(min(1 << 20, missing))
                if not block:
                    break
                missing -= len(block)
