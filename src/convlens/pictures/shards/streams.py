"""Where shards are: files, patterns and addresses, and one way to read them as a stream."""

import glob
import hashlib
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, TypeVar

from ...errors import ConvlensError, require
from ..source import FileSource

Value = TypeVar("Value")

INDEX = "index.json"
"""Names the shards beside it and how many pictures each holds, as WebDataset's `wids` does."""

MEGABYTES = 256
"""Of a shard as it is written: a stream is fast, and many are shared out evenly."""

AHEAD = 8 << 20
"""Bytes that are fetched ahead of a stream; so many are passed over rather than asked for anew."""

TRIES = 4
"""So often a stream is begun again where it broke off, after 1, 2 and 4 seconds."""


def is_address(place: str | Path) -> bool:
    """Whether it is an address such as `https://…` or `s3://…`, and no path."""
    return "://" in str(place)


def absolute(place: str | Path) -> str:
    """An address as it is; a path from the root."""
    return str(place) if is_address(place) else str(Path(place).absolute())


def stem(place: str | Path) -> str:
    """What to call pictures from a place: its last name, without the signs of a pattern."""
    name = PurePosixPath(str(place)).stem if is_address(place) else Path(place).absolute().stem
    return re.sub(r"[-_]?[{*?\[].*", "", name) or "pictures"


def find_shards(place: str | Path) -> list[tuple[str, int | None]] | None:
    """The shards at a place, and how many pictures each shall hold where that is known.

    A place is a `.tar`, a pattern of them (`train-{000..127}.tar`, `train-*.tar`), an index, or a
    folder that holds an index or shards and nothing else, here or at an address. None where it is
    nothing of the kind. Raises `ConvlensError` where it should be, and no shard is there.
    """
    text = str(place)
    spelt = list(_spelt_out(text))
    if not is_address(text):
        path = Path(text).expanduser()
        if path.is_dir():
            tars = sorted(path.glob("*.tar"))
            folders = [p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")]
            if not tars or folders:
                return None
            return _indexed(str(path / INDEX)) or [(str(tar), None) for tar in tars]
        if path.name == INDEX:
            return _indexed(str(path))
        if not text.endswith(".tar"):
            return None
    elif text.endswith(".json"):
        return _indexed(text)
    elif not text.endswith(".tar"):
        found = _indexed(f"{text.rstrip('/')}/{INDEX}")
        if found:
            return found
        spelt = [f"{text.rstrip('/')}/*.tar"]
    found = [(one, None) for each in spelt for one in _matching(each)]
    if not found:
        raise ConvlensError(f"there are no shards at {text}: name .tar files or their {INDEX}")
    return found


def _spelt_out(pattern: str) -> Iterator[str]:
    """What braces stand for: `{000..127}` and `{train,val}`."""
    match = re.search(r"\{(\d+)\.\.(\d+)\}|\{([^{}]*)\}", pattern)
    if match is None:
        yield pattern
        return
    if match[3] is not None:
        words = match[3].split(",")
    else:
        words = [str(n).zfill(len(match[1])) for n in range(int(match[1]), int(match[2]) + 1)]
    for word in words:
        yield from _spelt_out(pattern[: match.start()] + word + pattern[match.end() :])


def _matching(place: str) -> list[str]:
    if not glob.has_magic(place):
        return [place]
    if not is_address(place):
        return sorted(glob.glob(str(Path(place).expanduser())))  # noqa: PTH207
    system, path = _filesystem(place)
    found = _told(place, "list", do=lambda: system.glob(path))
    return sorted(system.unstrip_protocol(one) for one in found)


def _indexed(place: str) -> list[tuple[str, int | None]] | None:
    """The shards that an index names, all beside it; None where there is none."""
    if not is_address(place) and not Path(place).exists():
        return None
    if is_address(place):
        system, path = _filesystem(place)
        if not _told(place, "look for", do=lambda: system.exists(path)):
            return None
    with Stream(place) as stream:
        text = stream.read(1 << 26)
    try:
        listed = [(str(one["url"]), int(one["nsamples"])) for one in json.loads(text)["shardlist"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConvlensError(f"{place} is no index of shards: {error!r}") from error
    above = place.rsplit("/", 1)[0] if is_address(place) else str(Path(place).parent)
    for name, _ in listed:
        if name != PurePosixPath(name).name or "\\" in name or not name.endswith(".tar"):
            raise ConvlensError(f"{place} names {name!r}: an index may name .tar files beside it")
    return [(f"{above}/{name}", count) for name, count in listed]


def _filesystem(address: str) -> tuple[Any, str]:
    """fsspec's file system for an address, and the path in it.

    Object stores are read by the package that fsspec knows for them, or else by obstore.
    """
    require("fsspec", "shards", what=f"reading {address}")
    import fsspec

    protocol = address.split("://", 1)[0]
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(address)
    except ImportError as error:
        require("obstore", "shards", what=f"reading {address}")
        from obstore.fsspec import SUPPORTED_PROTOCOLS, register

        if protocol not in SUPPORTED_PROTOCOLS:
            raise ConvlensError(f"cannot read {address}: {error}") from error
        register(protocol)
        found = _told(address, "open", do=lambda: fsspec.core.url_to_fs(address))
    except ValueError as error:
        raise ConvlensError(f"cannot read {address}: {error}") from error
    return found


def _told(place: str, doing: str, *, do: Callable[[], Value]) -> Value:
    """What `do` gives; whatever it raises becomes a `ConvlensError` that names the place."""
    try:
        return do()
    except Exception as error:  # every file system raises kinds of its own
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ConvlensError(f"cannot {doing} {place}: {reason}") from error


def stamp(place: str) -> str:
    """Changes where a file's size, time or tag does; costs no reading. Raises `ConvlensError`."""
    if not is_address(place):
        return FileSource(place).stamp()
    system, path = _filesystem(place)
    info = _told(place, "find", do=lambda: system.info(path))
    telling = ("size", "etag", "e_tag", "lastmodified", "last_modified", "mtime", "content-md5")
    known = {name.lower(): str(value) for name, value in info.items()}
    return "|".join((place, *(known.get(name, "") for name in telling)))


def key(text: str) -> str:
    """A name for a file of the cache."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


class Stream:
    """The bytes of a file here or at an address, read forward; begun again where it breaks off.

    Memory is what is fetched ahead. Raises `ConvlensError`.
    """

    def __init__(self, place: str) -> None:
        self.place = place
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
                gone = isinstance(error, FileNotFoundError | PermissionError)
                if gone or not is_address(self.place) or attempt + 1 == TRIES:
                    reason = getattr(error, "strerror", None) or str(error) or repr(error)
                    raise ConvlensError(
                        f"cannot read {self.place} at byte {self.position:,}: {reason}"
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
        parts, wanted = [], size
        while wanted:
            part = self._file.read(wanted)
            if not part:
                break
            parts.append(part)
            wanted -= len(part)
        self.position += size - wanted
        return b"".join(parts)

    def _open(self) -> Any:
        if not is_address(self.place):
            if not Path(self.place).is_file():
                raise ConvlensError(f"there is no file {self.place}")
            return Path(self.place).open("rb")
        system, path = _filesystem(self.place)
        if not self.place.startswith("http"):
            return system.open(path, "rb")
        # far in, in parts, where the server gives parts; else as one answer
        parts = self.position > AHEAD and system.info(path).get("partial")
        return system.open(path, "rb", block_size=AHEAD if parts else 0, cache_type="readahead")

    def _advance(self) -> None:
        """To where the stream was; a server that sends files only whole is read up to there."""
        if not self.position:
            return
        try:
            self._file.seek(self.position)
        except (OSError, ValueError):
            left = self.position
            while left:
                part = self._file.read(min(1 << 20, left))
                if not part:
                    break
                left -= len(part)
