"""Frames at a rate that is asked for, from whatever moves."""

import re
from collections.abc import Generator
from math import floor
from pathlib import Path

from ...errors import ConvlensError, UsageError, require
from .frame import Frame, upright
from .live import live_frames
from .opened import Opened, without_password

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def read_frames(source: str | Path, *, fps: float) -> Generator[Frame, None, None]:
    """Frames of one stream, at most `fps` a second, with bounded memory.

    Args:
        source: A video file; a camera, as `camera:0` or `/dev/video0`; or an address (RTSP, HTTP
            and what else FFmpeg reads).
        fps: Frames per second, any positive number.

    Returns:
        Of a file frames in its own time, to its end. Of what is live the newest frame each time,
        so that who takes long is never behind; where it breaks off, a frame with the `error`, and
        it is opened again, after 1, 2, 4 … 30 seconds, for ever.

    Raises:
        UsageError: `fps` is not positive.
        ConvlensError: It cannot be opened, or PyAV is not installed.

    Examples:
        >>> for frame in read_frames("street.mp4", fps=2):  # doctest: +SKIP
        ...     print(frame.seconds, detector.predict(frame.image).predicted)
    """
    if not 0 < fps < float("inf"):
        raise UsageError(f"--fps {fps:g}: it takes a positive number, such as 2 or 0.1")
    require("av", "video", what="reading video")
    source = str(source)
    name = without_password(source)
    opened = Opened(source)
    if is_camera(source) or (_ADDRESS.match(source) and not opened.ends):
        yield from live_frames(opened, fps=fps, name=name)
        return
    with opened:
        last = -1
        try:
            for seconds, frame in opened.frames():
                number = floor(seconds * fps + 1e-6)
                if number > last:
                    last = number
                    yield Frame(name, seconds, upright(frame))
        except ConvlensError as error:
            yield Frame(name, last / fps, error=str(error))
        if opened.damaged:
            what = f"{opened.damaged:,} damaged parts were left out"
            yield Frame(name, max(0, last) / fps, error=what)


def is_camera(source: str) -> bool:
    """Whether it is a camera of this machine."""
    return source.startswith(("camera:", "/dev/video"))
