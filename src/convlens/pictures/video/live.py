"""What is live: only its newest frame counts, and it is opened again where it breaks off."""

import threading
import time
from collections.abc import Iterator
from typing import Any

from ...errors import ConvlensError
from .frame import Frame, upright
from .opened import Opened

FIRST, LONGEST = 1.0, 30.0
"""Seconds before it is opened again: at first, and at most; each time twice as long."""


class _Newest:
    """Reads in a thread of its own; holds the newest frame and the latest trouble, nothing else."""

    def __init__(self, opened: Opened) -> None:
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._frame: Any = None
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._read, args=[opened], name="video", daemon=True)
        self._thread.start()

    def take(self) -> tuple[Any, str | None]:
        """Wait for a frame or for trouble, and take what there is."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame or self._trouble)
            taken = self._frame, self._trouble
            self._frame = self._trouble = None
            return taken

    def stop(self) -> None:
        """Let the thread end; one that waits for a silent source ends with the process."""
        self._stopped.set()
        self._thread.join(1)

    def _put(self, frame: Any = None, trouble: str | None = None) -> None:
        with self._changed:
            self._frame = frame or self._frame
            self._trouble = trouble or self._trouble
            self._changed.notify()

    def _read(self, opened: Opened | None) -> None:
        pause, source = FIRST, opened.source if opened else ""
        while not self._stopped.is_set():
            try:
                opened = opened or Opened(source)
                with opened:
                    for _, frame in opened.frames():
                        if self._stopped.is_set():
                            return
                        pause = FIRST
                        self._put(frame)
                reason = "the stream ended"
            except ConvlensError as error:
                reason = str(error)
            opened = None
            self._put(trouble=f"{reason}; trying again in {pause:g} s")
            self._stopped.wait(pause)
            pause = min(LONGEST, 2 * pause)


def live_frames(opened: Opened, *, fps: float, name: str) -> Iterator[Frame]:
    """The newest frame each time, and word where there is none."""
    newest, begun = _Newest(opened), time.monotonic()
    due = begun
    try:
        while True:
            frame, trouble = newest.take()
            if trouble:
                yield Frame(name, time.monotonic() - begun, error=trouble)
            if frame:
                yield Frame(name, time.monotonic() - begun, upright(frame))
                due = max(due + 1 / fps, time.monotonic())
                time.sleep(max(0.0, due - time.monotonic()))
    finally:
        newest.stop()
