"""The user's cache folder: where it is, what it may hold, and making room in it."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError, UsageError
from ..files import HOST, saying_where, whole_file

DEFAULT_LIMIT_GB = 20.0


def cache_folder(part: str) -> Path:
    """A folder of the cache, made if need be: `$CONVLENS_CACHE`, else the system's usual place."""
    from platformdirs import user_cache_path

    base = os.environ.get("CONVLENS_CACHE")
    folder = (Path(base) if base else user_cache_path("convlens", appauthor=False)) / part
    with saying_where(folder, "make the cache folder"):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def recall(path: Path, *, mapped: bool = False) -> npt.NDArray[Any] | None:
    """An array that was remembered; None where it is not there, or damaged.

    A `mapped` one stays in its file, of which the system keeps as much in memory as there is room.
    """
    try:
        array: npt.NDArray[Any] = np.load(
            path, allow_pickle=False, mmap_mode="c" if mapped else None
        )
    except (OSError, ValueError, EOFError):
        return None
    with contextlib.suppress(OSError):  # it may be another user's
        os.utime(path)
    return array


def remember(path: Path, array: npt.NDArray[Any]) -> None:
    """Keep an array, whole or not at all: where it cannot be written, it is computed again."""
    with contextlib.suppress(ConvlensError), whole_file(path) as file:
        np.save(file, array)


def forget(folder: Path, limit: int) -> None:
    """Remove the arrays used longest ago until the others take so many bytes at most."""
    statuses = []
    for path in folder.glob("*.npy"):
        with contextlib.suppress(OSError):  # another process may remove it at this moment
            statuses.append((path.stat(), path))
    left = sum(status.st_size for status, _ in statuses)
    for status, path in sorted(statuses, key=lambda one: one[0].st_mtime)[:-1]:
        if left <= limit:
            break
        with contextlib.suppress(OSError):  # Windows keeps what somebody has open
            path.unlink()
            left -= status.st_size


def cache_limit() -> int:
    """The most bytes that pixel stores may take together, from `$CONVLENS_CACHE_GB`."""
    text = os.environ.get("CONVLENS_CACHE_GB", str(DEFAULT_LIMIT_GB))
    try:
        return int(float(text) * 1e9)
    except (ValueError, OverflowError):
        raise UsageError(f"CONVLENS_CACHE_GB is {text!r}; it takes a number, such as 50") from None


def remove_store(folder: Path) -> bool:
    """Remove a store whole, or, where Windows says that somebody has it open, nothing of it.

    Returns whether it is gone.
    """
    doomed = folder.with_name(f".{folder.name}.{HOST}.{os.getpid()}")
    try:
        folder.rename(doomed)
    except OSError:
        return not folder.exists()
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def make_room(folder: Path, needed: int) -> None:
    """Remove the stores used longest ago until `needed` more bytes fit under the limit.

    Stores that another process has open stay readable to it, or, on Windows, stay. Raises
    `ConvlensError` where even an empty cache, or the disk, is too small.
    """
    limit = cache_limit()
    if needed > limit:
        raise ConvlensError(
            f"the pixels need {needed / 1e9:.1f} GB and the cache may hold {limit / 1e9:.1f} GB: "
            "raise CONVLENS_CACHE_GB, or train at a smaller --size"
        )
    used: dict[Path, float] = {}
    sizes: dict[Path, int] = {}
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another process may remove it at this moment
            if path.is_dir() and not path.name.startswith("."):
                sizes[path] = sum(f.stat().st_size for f in path.iterdir() if f.is_file())
                used[path] = path.stat().st_mtime
    total = sum(sizes.values())
    for path in sorted(used, key=lambda path: used[path]):
        if total + needed <= limit:
            break
        if remove_store(path):
            total -= sizes[path]
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ConvlensError(
            f"the pixels need {needed / 1e9:.1f} GB and the disk of {folder} has "
            f"{free / 1e9:.1f} GB left: make room, or name another place in CONVLENS_CACHE"
        )
