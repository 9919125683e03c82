"""Opening pictures in a process that has other things to do: its warnings stay its own."""

import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from convlens.pictures.decode import decode


def png(width: int = 8, height: int = 8) -> bytes:
    """A PNG whose head promises so many pixels."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def test_reading_in_threads_costs_the_process_none_of_its_warnings() -> None:
    filters, interval = list(warnings.filters), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(decode, [png()] * 3000))
    finally:
        sys.setswitchinterval(interval)
    assert list(warnings.filters) == filters


def test_what_pillow_warns_of_is_not_told_among_answers() -> None:
    code = (
        "import sys; from convlens.pictures.formats.opening import dimensions\n"
        "assert dimensions(sys.stdin.buffer.read()) == (20000, 6000)"
    )
    words = [sys.executable, "-W", "default", "-c", code]
    done = subprocess.run(words, input=png(20_000, 6_000), capture_output=True, check=True)
    assert done.stderr == b""
