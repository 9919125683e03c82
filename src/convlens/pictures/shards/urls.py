"""Paths and URLs of data sets, and the file systems behind URLs. `url` may be either here."""

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ...errors import ConvlensError, require
from ...files import given_path
from ...windows import file_name
from ..source import FileSource

Value = TypeVar("Value")


def is_url(url: str | Path) -> bool:
    """Whether it is a URL such as `https://…` or `s3://…`, and no path."""
    return "://" in str(url)


def absolute_url(url: str | Path) -> str:
    """A URL as it is; a path from the root, without `..` where that leads to the same place."""
    if is_url(url):
        return str(url)
    path = given_path(url).absolute()
    plain = os.path.normpath(path)
    same = ".." not in path.parts or os.path.realpath(plain) == os.path.realpath(path)
    return plain if same else str(path)  # behind a link `..` may lead elsewhere


def dataset_name(url: str | Path) -> str:
    """What to call pictures from there: the last name, without the signs of a pattern."""
    name = (
        PurePosixPath(str(url)).stem
        if is_url(url)
        else Path(os.path.normpath(Path(url).absolute())).stem
    )
    return file_name(re.sub(r"[-_]?[{*?\[].*", "", name) or "pictures")


def filesystem(url: str) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path in it.

    Object stores are read by the package that fsspec knows for them, or else by obstore.
    """
    require("fsspec", "shards", what=f"reading {url}")
    import fsspec

    protocol = url.split("://", 1)[0]
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        require("obstore", "shards", what=f"reading {url}")
        from obstore.fsspec import SUPPORTED_PROTOCOLS, register

        if protocol not in SUPPORTED_PROTOCOLS:
            raise ConvlensError(f"cannot read {url}: {error}") from error
        register(protocol)
        system, path = access(url, "open", call=lambda: fsspec.core.url_to_fs(url))
    except ValueError as error:
        raise ConvlensError(f"cannot read {url}: {error}") from error
    return system, path


def access(url: str, verb: str, *, call: Callable[[], Value]) -> Value:
    """What a call of a file system gives; whatever it raises becomes a `ConvlensError`.

    The message names the URL and, by the `verb`, what could not be done.
    """
    try:
        return call()
    except Exception as error:  # every file system raises kinds of its own
        raise ConvlensError(f"cannot {verb} {url}: {reason_of(error, url)}") from error


def reason_of(error: BaseException, url: str) -> str:
    """Why a file system could not do something, in a line: some say nothing but the address."""
    while str(error) in {"", url} and error.__cause__ is not None:
        error = error.__cause__
    said = getattr(error, "strerror", None) or str(error)
    if said in {"", url}:
        return "it is not there" if isinstance(error, FileNotFoundError) else type(error).__name__
    return str(said).splitlines()[0][:200]


def stamp(url: str) -> str:
    """Changes where a file's size, time or tag does; costs no reading. Raises `ConvlensError`."""
    if not is_url(url):
        return FileSource(url).stamp()
    system, path = filesystem(url)
    info = access(url, "find", call=lambda: system.info(path))
    telling = ("size", "etag", "e_tag", "lastmodified", "last_modified", "mtime", "content-md5")
    known = {name.lower(): str(value) for name, value in info.items()}
    return "|".join((url, *(known.get(name, "") for name in telling)))
