"""What a server keeps to: its first answer, its memory, and what a client that leaves costs it.

    python benchmarks/serving/bounds.py DETECTOR [--requests 6] [--cores 0,1]

A fresh server answers a small picture again and again. Then, format by format, so many clients send
a picture of `--max-pixels` at once: printed is the most memory that the server gained, for each
turn and pixel. At last so many clients send such a picture and leave: printed is the time of the
processor that they cost, in pictures, of which each turn may have begun one.
"""

import contextlib
import http.client
import io
import os
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))
from PIL import Image

from convlens.serving.limits.request_limits import RequestLimits
from serving.load import run_server
from shared.arguments import detector_file, script_parser

FORMATS = {"JPEG": "RGB", "PNG": "RGBA", "TIFF": "CMYK", "WEBP": "RGB", "JPEG2000": "RGBA"}
"""What is sent, with its mode."""
SIDE = int(RequestLimits().pixels ** 0.5)


def encoded(kind: str, mode: str, side: int) -> bytes:
    file = io.BytesIO()
    options: dict[str, dict[str, Any]] = {"TIFF": {"compression": "tiff_deflate"}}
    Image.new(mode, (side, side), 100).save(file, kind, **options.get(kind, {}))
    return file.getvalue()


class Server:
    """A server's address and process."""

    def __init__(self, address: str, process: int) -> None:
        self._netloc = urlsplit(address).netloc
        self._proc = Path(f"/proc/{process}")

    def wait(self) -> None:
        """Until it has started: its address is told before."""
        connection = http.client.HTTPConnection(self._netloc)
        connection.request("GET", "/health")
        connection.getresponse().read()

    @contextlib.contextmanager
    def asked(self, picture: bytes) -> Iterator[http.client.HTTPConnection]:
        """A connection on which a picture has been sent."""
        connection = http.client.HTTPConnection(self._netloc)
        connection.request("POST", "/predict", picture, {"content-type": "image/x"})
        yield connection
        connection.close()

    def seconds(self, picture: bytes) -> float:
        """Until the answer is there."""
        begun = time.perf_counter()
        with self.asked(picture) as connection:
            response = connection.getresponse()
            answer = response.read()
            assert response.status == 200, answer
            assert b'"error":null' in answer, answer
        return time.perf_counter() - begun

    def processor_seconds(self) -> float:
        fields = (self._proc / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self, which: str) -> int:
        status = (self._proc / "status").read_text()
        return int(status.split(f"{which}:")[1].split()[0]) * 1024

    def forget_peak(self) -> None:
        (self._proc / "clear_refs").write_text("5")


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("detector", type=Path)
    parser.add_argument("--requests", type=int, default=6)
    parser.add_argument("--cores", default="0,1", help="of the server, as taskset names them")
    arguments = parser.parse_args()
    turns, many = len(arguments.cores.split(",")), arguments.requests
    file, unhurried = detector_file(arguments.detector), ("--max-seconds", "600")
    with (
        run_server(file, arguments.cores, *unhurried) as (address, process),
        ThreadPoolExecutor(many) as pool,
    ):
        server, small = Server(address, process), encoded("JPEG", "RGB", 360)
        server.wait()
        first, *later = [1000 * server.seconds(small) for _ in range(50)]
        print(f"first answer {first:.1f} ms, the next 49 {statistics.median(later):.1f} ms")
        for kind, mode in FORMATS.items():
            picture = encoded(kind, mode, SIDE)
            before = server.resident("VmRSS")
            server.forget_peak()
            list(pool.map(server.seconds, [picture] * many))
            gained = server.resident("VmHWM") - before
            print(
                f"{kind} {mode}: {many} at once, {turns} turns, {gained / 1e9:.2f} GB: "
                f"{gained / turns / SIDE**2:.1f} bytes a pixel and turn"
            )
        picture = encoded("PNG", "RGBA", SIDE)
        begun = server.processor_seconds()
        server.seconds(picture)
        one = server.processor_seconds() - begun
        with contextlib.ExitStack() as clients:
            for _ in range(many):
                clients.enter_context(server.asked(picture))
        time.sleep(2 * one * many)
        left = server.processor_seconds() - begun - one
        print(f"{many} clients left at once, which cost {left / one:.1f} pictures")


if __name__ == "__main__":
    main()
