"""What Windows does otherwise than other systems, each with the way around it."""

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

_SYNCHRONIZE, _WAIT_TIMEOUT, _ACCESS_DENIED = 0x100000, 0x102, 5
WAITS = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between attempts to replace a file that somebody looks at."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def alive(pid: int) -> bool:
    """Whether a process of this machine has that number.

    Elsewhere signal 0 asks for it; on Windows that number is Ctrl-C, which would end this process.
    """
    if sys.platform != "win32":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True
    import ctypes  # type: ignore[unreachable,unused-ignore]

    kernel: Any = ctypes.windll.kernel32
    handle = kernel.OpenProcess(_SYNCHRONIZE, False, pid)
    if not handle:
        return bool(kernel.GetLastError() == _ACCESS_DENIED)
    running = kernel.WaitForSingleObject(handle, 0) == _WAIT_TIMEOUT
    kernel.CloseHandle(handle)
    return bool(running)


def replace(partial: Path, path: Path) -> None:
    """Give a file another's name and place. Raises `OSError`.

    Windows refuses it while anybody has the other open, a virus scanner for instance; so it is
    tried again for two seconds there.
    """
    for wait in WAITS if sys.platform == "win32" else ():
        try:
            partial.replace(path)
        except PermissionError:
            time.sleep(wait)
        else:
            return
    partial.replace(path)


def file_name(stem: str) -> str:
    """A name from outside as the name of a file, its ending aside; only on Windows another one.

    There `aux`, `con` and some more are devices, some marks are not allowed, and dots and spaces at
    the end get lost.
    """
    if sys.platform != "win32":
        return stem
    name = _FORBIDDEN.sub("_", stem).rstrip(". ")  # type: ignore[unreachable,unused-ignore]
    return f"_{name}" if not name or _RESERVED.fullmatch(name) else name
