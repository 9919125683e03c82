"""A camera at an RTSP address: it asks for a password, falls silent, goes away and comes back."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from convlens.pictures.video import live, opened
from convlens.pictures.video.frames import read_frames
from helpers import Pixels, draw, package

av = package("av")

TRACK = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\na=control:track"
BODY = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\n{TRACK}\r\n"
ANSWERS = {
    "DESCRIBE": f"Content-Type: application/sdp\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}",
    "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n\r\n",
    "PLAY": "Session: 1\r\n\r\n",
}


class Camera(socketserver.ThreadingTCPServer):
    """Sends what FFmpeg makes RTP of, as long as it talks."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, picture: Pixels, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Visit)
        self.picture = picture
        self.talks, self.ended = threading.Event(), threading.Event()
        self.talks.set()


class _Visit(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        method = ""
        while method != "PLAY":
            words = b"".join(iter(self.rfile.readline, b"\r\n")).decode()
            number = words[words.index("CSeq") :].split("\r\n")[0]
            known = "Authorization: Basic dXNlcjpzZWNyZXQ=" in words  # user:secret
            method = words.split()[0] if known else "none"
            state = "200 OK" if known else '401 No\r\nWWW-Authenticate: Basic realm="camera"'
            answer = f"RTSP/1.0 {state}\r\n{number}\r\n{ANSWERS.get(method, chr(13) + chr(10))}"
            self.wfile.write(answer.encode())
        self.play()

    def play(self) -> None:
        server: Any = self.server
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.settimeout(0.02)
        address = f"rtp://127.0.0.1:{made.getsockname()[1]}"
        with made, av.open(address, "w", format="rtp") as out:
            stream = out.add_stream("mpeg4", rate=25, options={"g": "5"})
            stream.height, stream.width = server.picture.shape[:2]
            stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
            while not server.ended.wait(0.02):
                if server.talks.is_set():
                    frame = av.VideoFrame.from_ndarray(server.picture, format="rgb24")
                    out.mux(stream.encode(frame))
                    self.send(made)

    def send(self, made: socket.socket) -> None:
        try:
            while packet := made.recv(65_536):
                self.wfile.write(b"$\0" + len(packet).to_bytes(2) + packet)
        except OSError:
            return


@contextmanager
def running(camera: Camera) -> Iterator[Camera]:
    threading.Thread(target=camera.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield camera
    finally:
        camera.ended.set()
        camera.shutdown()
        camera.server_close()


def test_a_network_camera_is_read_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST", 0.05)
    monkeypatch.setattr(opened, "SECONDS", 1.0)
    shown, other = draw("disc", 5, 80, 96), 255 - draw("disc", 5, 80, 96)
    with running(Camera(shown)) as camera:
        port = camera.server_address[1]
        frames = read_frames(f"rtsp://user:secret@127.0.0.1:{port}/live", fps=20)

        def sees(picture: Pixels) -> bool:
            image = next(frame.image for frame in frames if frame.image is not None)
            return bool(np.abs(image.astype(int) - picture).mean() < 20)

        def trouble() -> str:
            return next(frame.error for frame in frames if frame.error)

        assert sees(shown)
        camera.talks.clear()
        assert "nothing came for 1 s" in trouble()
        camera.talks.set()
        assert sees(shown)
    assert "trying again in 0.05 s" in trouble()
    assert "secret" not in trouble()
    with running(Camera(other, port)):
        assert sees(other)
        frames.close()
    assert not any(t.name.startswith("video") and t.is_alive() for t in threading.enumerate())
