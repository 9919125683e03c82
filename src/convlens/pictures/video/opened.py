"""A video file, camera or address, opened by FFmpeg."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import ConvlensError

SECONDS = 10.0
"""Silence after which a source counts as gone."""
DEVICES = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}")}
"""By system: FFmpeg's format of cameras, and their names. Windows names them."""


def without_password(source: str) -> str:
    """An address without the name and password before its host; a path as it is."""
    return re.sub(r"(?<=://)[^/]*@", "", source)


class Opened:
    """Raises `ConvlensError` where it cannot be opened, or holds no video."""

    def __init__(self, source: str) -> None:
        import av

        self.source = source
        self.damaged = 0
        """Parts that could not be decoded."""
        file, form, options = source, None, {}
        if source.startswith("camera:"):
            form, name = DEVICES.get(sys.platform, ("dshow", "video={}"))
            file = name.format(source.removeprefix("camera:"))
        elif source.startswith("/dev/video"):
            form = "v4l2"
        elif source.startswith("rtsp"):
            options = {"rtsp_transport": "tcp"}  # of UDP, what is lost is grey
        elif "://" not in source and not Path(source).is_file():
            raise ConvlensError(f"{source}: there is no such video file")
        try:
            self._container = av.open(file, format=form, options=options, timeout=SECONDS)
            streams = self._container.streams.video
        except (av.FFmpegError, OSError, ValueError) as error:
            raise ConvlensError(f"cannot open the video: {_reason(error)}") from error
        if not streams:
            self.close()
            raise ConvlensError(f"{without_password(source)}: there is no video in it")
        self._stream = streams[0]

    @property
    def ends(self) -> bool:
        """Whether it is known to come to an end, as files do."""
        return self._container.duration is not None

    def frames(self) -> Iterator[tuple[float, Any]]:
        """Seconds since the first frame, and each frame as PyAV has it.

        Raises `ConvlensError` where reading fails before the end.
        """
        import av

        first, count = None, 0
        rate = float(self._stream.average_rate or 25)
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
                decoded = packet.decode()
            except StopIteration:
                return
            except av.InvalidDataError:
                self.damaged += 1
                continue
            except (av.EOFError, av.FFmpegError, OSError) as error:
                raise ConvlensError(f"the video broke off: {_reason(error)}") from error
            for frame in decoded:
                seconds = count / rate if frame.time is None else frame.time
                first = seconds if first is None else first
                count += 1
                yield max(0.0, seconds - first), frame

    def close(self) -> None:
        """Let go of it."""
        self._container.close()

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _reason(error: Exception) -> str:
    """What FFmpeg says, without the address, which may hold a password."""
    import av

    if isinstance(error, av.error.ExitError):
        return f"nothing came for {SECONDS:g} s"
    return getattr(error, "strerror", None) or type(error).__name__
