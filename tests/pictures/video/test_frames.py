"""Frames of videos that PyAV makes here, and of a camera that goes away and comes back."""

import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convlens import Detector
from convlens.errors import ConvlensError, UsageError
from convlens.pictures.video import live
from convlens.pictures.video.frames import read_frames
from helpers import Convlens, Pixels, draw, package

av = package("av")

SHAPES = [draw("disc", 5, 80, 96)] * 10 + [draw("cross", 6, 80, 96)] * 10


def save_video(path: Path, pictures: Sequence[Pixels], *, turned: int = 0) -> Path:
    """Ten frames a second."""
    with av.open(path, "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        height, width = pictures[0].shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 4_000_000
        if turned:
            stream.set_display_rotation(turned)
        for picture in pictures:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def test_a_file_has_so_many_frames_a_second(tmp_path: Path) -> None:
    path = save_video(tmp_path / "shapes.mp4", SHAPES)
    with av.open(path) as file:
        wanted = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    frames = list(read_frames(path, fps=2))
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.5, 1, 1.5])
    for frame, number in zip(frames, (0, 5, 10, 15), strict=True):
        assert frame.image is not None
        assert np.array_equal(frame.image, wanted[number])
    assert len(list(read_frames(path, fps=1000))) == len(SHAPES)


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_frames_are_upright(tmp_path: Path, turned: int) -> None:
    upright = np.zeros((64, 96, 3), np.uint8)
    upright[:32, :48] = 255
    lying = np.ascontiguousarray(np.rot90(upright, -turned // 90))
    path = save_video(tmp_path / "phone.mp4", [lying] * 2, turned=turned)
    frame = next(read_frames(path, fps=1))
    assert frame.image is not None
    assert frame.image.shape == upright.shape
    assert np.abs(frame.image.astype(int) - upright).mean() < 5


def test_commands_print_a_line_for_each_frame_or_change(
    run: Path, tmp_path: Path, convlens: Convlens
) -> None:
    path = save_video(tmp_path / "shapes.avi", SHAPES)
    detector = Detector(run)
    said = convlens("predict", run, path, "--fps", "5")
    assert said.returncode == 0
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    for line, frame in zip(lines, read_frames(path, fps=5), strict=True):
        assert frame.image is not None
        wanted = detector.predict(frame.image)
        assert (line["predicted"], line["name"]) == (wanted.predicted, str(path))
        assert line["probabilities"] == pytest.approx(dict(wanted.top(2)))
    changes = convlens("predict", run, path, "--fps", "5", "--changes").stdout.splitlines()
    answers = [line["predicted"] for line in lines]
    kept = [a for n, a in enumerate(answers) if n == 0 or a != answers[n - 1]]
    assert [json.loads(line)["predicted"] for line in changes] == kept == ["disc", "cross"]
    found = convlens("find", run, path, "--fps", "1", "--quiet").stdout.splitlines()
    assert [json.loads(line)["seconds"] for line in found] == [0, 1]
    assert "findings" in json.loads(found[0])


def test_what_cannot_be_read_is_said(tmp_path: Path, run: Path, convlens: Convlens) -> None:
    (tmp_path / "notes.mp4").write_text("no video")
    for path, says in ((tmp_path / "none.mp4", "no such video"), (tmp_path / "notes.mp4", "open")):
        said = convlens("predict", run, path, "--fps", "1")
        assert (said.returncode, says in said.stderr) == (1, True)
    for words in (["--fps", "0"], ["--changes"], ["--fps", "1", "--csv"]):
        assert convlens("predict", run, "a.mp4", *words).returncode == 2
    whole = save_video(tmp_path / "whole.avi", SHAPES).read_bytes()
    torn = bytearray(whole)
    torn[len(whole) // 2 : len(whole) // 2 + 3000] = bytes(3000)
    (tmp_path / "torn.avi").write_bytes(torn)
    lines = convlens("predict", run, tmp_path / "torn.avi", "--fps", "10").stdout.splitlines()
    assert "predicted" in json.loads(lines[0])
    assert len(lines) > 10  # what lies behind the damage is read too


class Camera:
    """Shows a picture at an address, as network cameras do, while it is there."""

    def __init__(self) -> None:
        self.picture = SHAPES[0]
        self.on = threading.Event()
        self.on.set()
        self.address = ""

    @contextmanager
    def running(self) -> Iterator["Camera"]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not camera.on.is_set():
                    self.send_error(503)
                    return
                self.send_response(200)
                kind = "multipart/x-mixed-replace; boundary=frame"
                self.send_header("content-type", kind)
                self.end_headers()
                while camera.on.is_set():
                    out = io.BytesIO()
                    Image.fromarray(camera.picture).save(out, "JPEG", quality=95)
                    head = f"--frame\r\ncontent-type: image/jpeg\r\ncontent-length: {out.tell()}"
                    try:
                        self.wfile.write(head.encode() + b"\r\n\r\n" + out.getvalue() + b"\r\n")
                    except OSError:
                        return
                    threading.Event().wait(0.02)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://user:secret@127.0.0.1:{server.server_address[1]}/"
        try:
            yield self
        finally:
            self.on.clear()
            server.shutdown()
            server.server_close()


@pytest.fixture
def camera() -> Iterator[Camera]:
    with Camera().running() as running:
        yield running


def test_a_camera_that_goes_away_comes_back(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FIRST", 0.05)
    frames = read_frames(camera.address, fps=50)
    first = next(frames)
    assert first.image is not None
    assert "secret" not in first.name
    camera.on.clear()
    troubles = [next(f.error for f in frames if f.error) for _ in range(3)]
    assert "trying again in 0.05 s" in (troubles[0] or "")
    assert "trying again in 0.2 s" in (troubles[2] or "")  # longer each time
    assert not any("secret" in (trouble or "") for trouble in troubles)
    camera.picture = 255 - SHAPES[0]
    camera.on.set()
    back = next(frame.image for frame in frames if frame.image is not None)
    assert np.abs(back.astype(int) - camera.picture).mean() < 20
    frames.close()
    assert not any(t.name.startswith("video") and t.is_alive() for t in threading.enumerate())


def test_ctrl_c_ends_a_stream_between_lines(camera: Camera, run: Path) -> None:
    words = ["predict", str(run), camera.address, "--fps", "20"]
    command = [sys.executable, "-m", "convlens", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = list(islice(process.stdout, 5))
        process.send_signal(signal.SIGINT)
        rest, errors = process.stdout.read(), process.stderr.read()
    assert process.returncode == 130
    assert errors.strip() == "convlens: stopped"
    for line in [*lines, *rest.splitlines()]:
        assert json.loads(line)["predicted"] == "disc"


def test_who_takes_long_gets_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    all_given, end = threading.Event(), threading.Event()

    class Fast:
        source = "camera:0"

        def frames(self) -> Iterator[tuple[float, int]]:
            for number in range(1, 21):
                yield number / 20, number
            all_given.set()
            end.wait()

        def __enter__(self) -> "Fast":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(live, "upright", lambda number: np.full((1, 1, 3), number, np.uint8))
    made: Callable[..., Any] = live.live_frames
    frames = made(Fast(), fps=1000, name="camera")
    numbers = [next(frames).image[0, 0, 0]]
    all_given.wait()
    numbers += [next(frames).image[0, 0, 0]] if numbers != [20] else []
    assert numbers[-1] == 20
    assert len(numbers) <= 2  # the others were not kept
    end.set()
    frames.close()


def test_what_is_no_rate_or_stream_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes a positive number"):
        next(read_frames(tmp_path / "a.mp4", fps=0))
    with pytest.raises(ConvlensError, match="cannot open the video"):
        next(read_frames("http://127.0.0.1:9/none", fps=1))
