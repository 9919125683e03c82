"""How much memory and disk a request may take."""

import io
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from convlens import Detector
from convlens.serving.app import create_app
from convlens.serving.limits.request_limits import RequestLimits
from helpers import Convlens, assert_clear
from servers import disc, png

HOST = "http://localhost"


@pytest.fixture
def client(run: Path) -> Iterator[TestClient]:
    app = create_app(Detector(run), RequestLimits(pixels=10_000))
    with TestClient(app, HOST) as client:
        yield client


def png_head(side: int) -> bytes:
    """A palette PNG of so many pixels, which has none of them: only its head can be read."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 3, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"PLTE", bytes(768)) + chunk(b"IDAT", b"")


def test_a_picture_of_too_many_pixels_is_refused_by_its_head(run: Path) -> None:
    with TestClient(create_app(Detector(run)), HOST) as client:
        files = [("files", png_head(13_000)), ("files", disc())]
        large, small = client.post("/predict", files=files).json()["predictions"]
    assert large["error"] == (
        "13000×13000 pixels are more than the 64,000,000 that this server opens"
    )
    assert small["error"] is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_the_limit_holds_for_every_format(client: TestClient, kind: str) -> None:
    for width, refused in ((100, False), (101, True)):
        buffer = io.BytesIO()
        Image.new("RGB", (width, 100)).save(buffer, kind)
        headers = {"content-type": "image/x"}
        response = client.post("/predict", content=buffer.getvalue(), headers=headers)
        answer = response.json()["predictions"][0]
        assert (answer["error"] is not None) is refused


@pytest.mark.parametrize("value", ["0", "-1", "nan"])
def test_limits_are_above_0(convlens: Convlens, run: Path, value: str) -> None:
    assert_clear(convlens("serve", run, "--max-seconds", value), 2, "limits are above 0")


def test_what_is_read_as_json_has_the_limit_too(run: Path) -> None:
    app = create_app(Detector(run), RequestLimits(1000))
    with TestClient(app, HOST) as client:
        answer = client.put("/teach/boxes/a.png", content=b" " * 1001)
    assert (answer.status_code, answer.json()["title"]) == (413, "Too large")


def test_raw_pixels_have_the_same_limit(client: TestClient) -> None:
    headers = {"content-type": "application/octet-stream"}
    for width, status in ((100, 200), (101, 413)):
        url = f"/predict?height=100&width={width}"
        response = client.post(url, content=bytes(300 * width), headers=headers)
        assert response.status_code == status


def test_a_server_without_a_disk_to_write_to_answers(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures stay in memory, whatever their size; only teaching needs a folder, and says so."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    noise = np.random.default_rng(0).integers(0, 256, (800, 800, 3), np.uint8)
    with TestClient(create_app(Detector(run)), HOST) as client:
        response = client.post("/predict", files={"files": png(noise)})
        assert response.json()["predictions"][0]["error"] is None
        assert client.get("/teach").status_code == 200
        refused = client.post("/teach/pictures?label=a", files={"files": disc()})
    assert refused.status_code == 507
    assert "TMPDIR" in refused.json()["detail"]


def test_teaching_makes_its_folder_when_needed_and_removes_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with TestClient(create_app(Detector(run)), HOST) as client:
        assert list(tmp_path.iterdir()) == []
        assert client.post("/teach/pictures?label=a", files={"files": disc()}).is_success
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
