"""Shards elsewhere: over HTTP, from an object store, and training from a stream."""

import csv
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from convlens import Detector, train
from convlens.errors import ConvlensError
from convlens.pictures.read import read_catalog
from convlens.pictures.shards import stream
from convlens.pictures.shards.read import streamed
from convlens.pictures.shards.urls import filesystem, reason_of
from convlens.pictures.shards.write import Sharded
from convlens.pictures.source import content_hash
from helpers import SMALL, contents, wanted


class _Handler(SimpleHTTPRequestHandler):
    """Files, in parts too where `ranges`; the first `breaks` of shards end early; all counted."""

    ranges = False
    breaks = 0
    asked: ClassVar[Counter[str]] = Counter()

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        kind = type(self)
        kind.asked[Path(self.path).name] += 1
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        first, last = 0, len(data) - 1
        asked = self.headers.get("Range", "")
        if kind.ranges and asked.startswith("bytes="):
            a, _, b = asked[6:].partition("-")
            first, last = int(a), min(int(b or last), last)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        else:
            self.send_response(200)
        if kind.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        part = data[first : last + 1]
        if kind.breaks and path.suffix == ".tar":
            kind.breaks -= 1
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(part)


@pytest.fixture
def http(written: Sharded) -> Iterator[Callable[..., tuple[str, type[_Handler]]]]:
    """Starts a server of the shards; gives its address and its handler."""
    servers = []

    def start(folder: Path = written.folder, **how: Any) -> tuple[str, type[_Handler]]:
        handler = type("Handler", (_Handler,), {"asked": Counter(), **how})
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", handler

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("how", "most"), [({}, 1), ({"ranges": True}, 1), ({"breaks": 3, "ranges": True}, 4)]
)
def test_over_http_each_shard_is_one_stream(
    http: Any, shapes: Path, how: dict[str, Any], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    address, handler = http(**how)
    catalog = read_catalog(f"{address}/index.json")
    tars = [count for name, count in handler.asked.items() if name.endswith(".tar")]
    assert len(tars) > 5
    assert max(tars) <= most
    assert contents(catalog) == wanted(shapes)
    assert catalog.sources[5].read() == next(streamed(catalog.sources[5:])).read()
    assert read_catalog(address).names == catalog.names
    monkeypatch.setattr(stream, "AHEAD", 2000)  # far in from here on, so read in parts
    alone = Counter(content_hash(source.read()) for source in catalog.sources[:20])
    assert alone == Counter(content_hash(s.read()) for s in streamed(catalog.sources[:20]))
    last = len(tars) - 1
    pattern = f"{address}/pictures-{{000000..{last:06}}}.tar"
    assert sorted(read_catalog(pattern).names) == sorted(catalog.names)


def test_what_is_not_there_says_so(http: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    address, _ = http()
    for url, says in (
        (f"{address}/none.tar", "none.tar"),
        ("http://127.0.0.1:9/a.tar", "cannot find http://127.0.0.1:9/a.tar"),
        ("http://127.0.0.1:9/a.jpg", "a.jpg is the address of one picture"),
        (str(tmp_path / "none.tar"), "there is no file"),
        (str(tmp_path / "none-*.tar"), "there are no shards"),
        ("nowhere://bucket/a.tar", "cannot read nowhere://bucket/a.tar"),
    ):
        with pytest.raises(ConvlensError, match=says):
            read_catalog(url)


@pytest.fixture(scope="module")
def bucket(written: Sharded, need: Callable[..., str]) -> Iterator[str]:
    """The shards in a bucket of an S3-compatible server, as its address `s3://…`."""
    with pytest.MonkeyPatch.context() as patch:
        with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as free:
            port = free.server_port
        endpoint = f"http://127.0.0.1:{port}"
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "made",
            "AWS_SECRET_ACCESS_KEY": "made",
            "AWS_REGION": "us-east-1",
            "FSSPEC_S3_ENDPOINT_URL": endpoint,
        }.items():
            patch.setenv(name, value)
        command = [need("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as s:
            try:
                while True:
                    try:
                        httpx.put(f"{endpoint}/cells", timeout=300).raise_for_status()
                        break
                    except httpx.TransportError:
                        assert s.poll() is None
                        time.sleep(0.1)
                system, path = filesystem("s3://cells/shapes")
                for file in written.folder.iterdir():
                    system.pipe_file(f"{path}/{file.name}", file.read_bytes())
                yield "s3://cells/shapes"
            finally:
                s.terminate()


def test_from_an_object_store(bucket: str, shapes: Path) -> None:
    catalog = read_catalog(bucket)
    assert catalog.names[0] == f"{bucket}/pictures-000000.tar#000000000.png"
    assert contents(catalog) == wanted(shapes)
    assert contents(read_catalog(f"{bucket}/*.tar")) == wanted(shapes)
    with pytest.raises(ConvlensError, match=r"none\.tar"):
        read_catalog(f"{bucket}/none.tar")


@pytest.mark.trains
def test_training_and_judging_from_a_stream(http: Any, tmp_path: Path) -> None:
    address, _ = http(ranges=True)
    done = train(address, tmp_path / "run", steps=30, weights="none", **SMALL)
    assert done.finished
    assert done.metrics["test"]["n"] == 32
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["pictures"] == address
    manifest = list(csv.DictReader((tmp_path / "run" / "manifest.csv").open()))
    assert all(row["path"].startswith(f"{address}/pictures-0") for row in manifest)
    assert Detector(done.detector).evaluate(address).metrics.n == 160


def test_an_address_that_cannot_be_reached_has_its_reason() -> None:
    url = "https://nowhere.invalid/a.tar"
    told = FileNotFoundError(url)
    told.__cause__ = OSError("cannot resolve nowhere.invalid")
    assert reason_of(told, url) == "cannot resolve nowhere.invalid"
    assert reason_of(FileNotFoundError(url), url) == "it is not there"
    assert reason_of(PermissionError(13, "Permission denied"), url) == "Permission denied"
    assert reason_of(ValueError("two\nlines"), url) == "two"
