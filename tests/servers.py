"""Servers of the tests' own, and requests that never fail for want of time."""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image
from playwright.sync_api import Page

from convlens import Prediction
from convlens.pictures.decode import RGB
from convlens.pictures.source import Source
from convlens.serving.app import create_app
from convlens.serving.limits.request_limits import RequestLimits
from convlens.tasks.classification.task import Classification
from helpers import draw

SECONDS = 600
"""A slow machine is no fault; what hangs for so long is."""
MADE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""Chromium's options for a camera that it makes up, and that pages may use."""

Serve = Callable[..., str]
OpenPage = Callable[..., Page]

get, post = partial(httpx.get, timeout=SECONDS), partial(httpx.post, timeout=SECONDS)


def png(pixels: RGB) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def disc() -> bytes:
    """A small picture."""
    return png(draw("disc", 1))


def post_disc(url: str) -> httpx.Response:
    """Ask what is in a small picture."""
    return post(f"{url}predict", files={"files": disc()})


class SlowDetector:
    """A detector that has begun, and waits to be let go on."""

    labels = ("a", "b")
    path = None
    task = Classification()

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.calls = 0

    def predict_source(self, source: Source) -> Prediction:
        self.calls += 1
        self.begun.set()
        self.go.wait(SECONDS)
        return Prediction(
            source.name, np.array([0.25, 0.75], np.float32), labels=self.labels, class_index=1
        )


@contextmanager
def http_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server in a thread of this process, and its address without a slash at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """A server in a thread of this process, and its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    # its logging would close the handlers of other libraries, and absl's closes pytest's stderr
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive()


@contextmanager
def slow_server(limits: RequestLimits) -> Iterator[tuple[SlowDetector, str]]:
    """A slow detector behind a server in a thread of this process, and its address."""
    detector: Any = SlowDetector()
    with serving(create_app(detector, limits)) as address:
        try:
            yield detector, address
        except BaseException:
            detector.go.set()
            raise
