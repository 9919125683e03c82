"""Writing files whole or not at all."""

import contextlib
import csv
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from .errors import ConvlensError, UsageError
from .windows import replace

HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
"""Of this machine or container, in the names of what is not whole: folders may be shared."""


def given_path(text: str | Path) -> Path:
    """A path as the user gave it; `~/` begins one in the home folder, and nothing else is special.

    Not even that where something of this very name is there. Raises `UsageError` for an empty text,
    which would be the working folder: a variable of the shell that has no value, often.
    """
    if text == "":
        raise UsageError("a path is empty: the working folder is '.'")
    path = Path(text)
    if path.parts[:1] != ("~",) or os.path.lexists(path):
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # there is no home folder
        return path


def given_text(text: str | Path) -> str:
    """The same as text, as it was written otherwise: what a picture is called."""
    path = given_path(text)
    return str(path) if str(text).startswith("~") else str(text)


def exists(path: str | Path) -> bool:
    """Whether there is something; also False where that may not be known, or no name can be so."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def check_place(path: Path) -> None:
    """Raise a `UsageError` where no file of this path could be written: before work is done."""
    if is_folder(path):
        raise UsageError(f"{path}: it is a folder; name a file in it")
    if not is_folder(path.parent):
        raise UsageError(f"{path}: there is no folder {path.parent}")


def check_unused(out: Path) -> None:
    """Raise a `UsageError` where there is something that a new folder would replace."""
    with saying_where(out, "look into"):
        in_use = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if in_use:
        raise UsageError(f"--out {out}: it exists and is not empty; name another")


def is_folder(path: str | Path) -> bool:
    """Whether it is a folder; False as `exists` is."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


@contextmanager
def saying_where(path: Path, doing: str) -> Iterator[None]:
    """Turn an `OSError` inside into a `ConvlensError` that names the file and the reason."""
    try:
        yield
    except OSError as error:
        raise ConvlensError(f"cannot {doing} {path}: {error.strerror or error}") from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex; computed once for a file as it is. Raises `ConvlensError`."""
    with saying_where(path, "read"):
        status = path.stat()
        return _digest(path, status.st_mtime_ns, size=status.st_size)


@lru_cache
def _digest(path: Path, written: int, *, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV by its headings. Raises `ConvlensError`."""
    with (
        saying_where(path, "read"),
        path.open(encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        return list(csv.DictReader(file))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of UTF-8. Raises `ConvlensError` that names the file."""
    with saying_where(path, "read"):
        data = path.read_bytes()
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConvlensError(f"{path} is not readable as JSON: {error}") from error
    if not isinstance(record, dict):
        raise ConvlensError(f"{path} is not a record: it holds a {type(record).__name__}")
    return record


@contextmanager
def sound_record(path: Path) -> Iterator[None]:
    """Turn what a record with missing or wrong entries raises inside into a `ConvlensError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ConvlensError(f"{path} is not a record as convlens writes it: {error!r}") from error


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, under a temporary name; at the end flushed to disk and renamed.

    A reader sees the old file or the new one and never a part. Raises `ConvlensError`.
    """
    partial = path.with_name(f".{path.name}.{HOST}.{os.getpid()}.partial")
    with saying_where(path, "write"):
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write `content` (text as UTF-8) whole or not at all. Raises `ConvlensError`."""
    with whole_file(path) as file:
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        file.write(data)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write under a temporary name, renamed at the end; where that fails, none is left.

    Raises `UsageError` where `out` is in use, `ConvlensError` where it cannot be written.
    """
    check_unused(out)
    there = out.is_dir()  # and empty: a mounted one, or the working folder, cannot be replaced
    partial = out / ".partial" if there else out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with saying_where(partial, "make"):
            partial.mkdir(parents=True)
        yield partial
        with saying_where(out, "write"):
            if there:
                for path in sorted(partial.iterdir()):
                    path.replace(out / path.name)
            else:
                partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def only_one(
    folder: Path,
    *,
    who: str = "another run is at work",
    then: str = "wait for it, or name another --out",
) -> Iterator[None]:
    """Make a folder if need be, and keep other processes from working in it meanwhile.

    The lock goes with the process, however that ends. Raises `ConvlensError` where another has it,
    which is told as `who` and what to do `then`, or where the folder cannot be made or written to.
    """
    from filelock import FileLock, Timeout

    with saying_where(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    with saying_where(folder, "write to"):
        try:
            lock.acquire()
        except Timeout:
            raise ConvlensError(f"{who} in {folder}: {then}") from None
    try:
        for partial in folder.rglob(".*.partial"):  # by a run that was killed while it wrote
            if partial.is_file():
                partial.unlink(missing_ok=True)
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):  # the folder may be gone
            left = [path.name for path in folder.iterdir()]
            if left == [".lock"]:  # it failed before it left anything
                shutil.rmtree(folder, ignore_errors=True)
