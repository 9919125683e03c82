"""Pictures made up for measurements, and places that shards are read from."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from convlens.pictures.shards.find import find_shards
from convlens.pictures.shards.stream import Stream
from convlens.pictures.shards.urls import filesystem


def make_photographs(folder: Path, count: int, side: int = 256) -> Path:
    """JPEG pictures of a photograph's bytes and detail: smoothed noise in two classes."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = random.integers(0, 256, (side // 8, side // 8, 3)).astype(np.uint8)
        fine = random.integers(0, 48, (side, side, 3)).astype(np.uint8)
        large = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
        path = folder / ("a", "b")[number % 2] / f"{number:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((large // 4 * 3 + fine).astype(np.uint8)).save(path, quality=90)
    return folder


@contextmanager
def http_server(folder: Path) -> Iterator[str]:
    """The address of a server of a folder's files."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def s3_server(folder: Path) -> Iterator[str | None]:
    """The shards on an S3-compatible server; None where none is installed."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which("moto_server", path=beside)
    if program is None:
        yield None
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as free:
        port = str(free.server_port)
    os.environ |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true"}
    os.environ |= {"AWS_ACCESS_KEY_ID": "made", "AWS_SECRET_ACCESS_KEY": "made"}
    os.environ |= {"AWS_REGION": "us-east-1"}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([program, "-p", port], **silent) as server:  # type: ignore[call-overload]
        try:
            for _ in range(600):
                try:
                    httpx.put(f"http://127.0.0.1:{port}/made").raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            system, path = filesystem("s3://made/shards")
            for file in folder.iterdir():
                system.pipe_file(f"{path}/{file.name}", file.read_bytes())
            yield "s3://made/shards"
        finally:
            server.terminate()


def bandwidth(url: str) -> float:
    """Bytes a second of the shards at an address, read as streams one after the other."""
    total, begin = 0, time.perf_counter()
    for shard, _ in find_shards(url) or []:
        with Stream(shard) as stream:
            while part := stream.read(1 << 20):
                total += len(part)
    return total / (time.perf_counter() - begin)
