"""Shards: written, listed and read as streams, here, over HTTP and from an object store."""

import csv
import io
import json
import subprocess
import tarfile
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
from PIL import Image

from conftest import SMALL, draw, save_class
from convlens import Detector, evaluate, predict, predict_shards, train
from convlens.cli import main
from convlens.errors import ConvlensError, UsageError
from convlens.pictures import places
from convlens.pictures.catalog import Catalog, read_catalog
from convlens.pictures.hashing import content_hashes
from convlens.pictures.sharding import Sharded, shard
from convlens.pictures.shards import streamed
from convlens.pictures.source import content_hash
from convlens.pictures.store import open_store

BYTES = 60_000


def quiet(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def written(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Sharded:
    """The shapes as several shards."""
    out = tmp_path_factory.mktemp("shards") / "shards"
    return shard(shapes, out, megabytes=BYTES / 1e6)


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


def contents(catalog: Catalog) -> Counter[tuple[bytes, str]]:
    """Each picture's bytes and label, read as a stream."""
    read = [content_hash(source.read()) for source in streamed(catalog.sources)]
    return Counter(zip(read, catalog.labels, strict=True))


def wanted(folder: Path) -> Counter[tuple[bytes, str]]:
    return Counter(
        (content_hash(path.read_bytes()), path.parent.name) for path in folder.glob("*/*.png")
    )


def test_every_picture_is_in_one_shard_once(written: Sharded, shapes: Path, tmp_path: Path) -> None:
    assert len(written.shards) > 5
    assert written.pictures == 160
    assert [Path(name).name for name, _ in written.skipped] == ["notes.txt"]
    catalog = read_catalog(written.folder)
    assert contents(catalog) == wanted(shapes)
    # in the middle, one by one, in an order of its own, the bytes are the same
    for row in (150, 3, 77):
        source = catalog.sources[row]
        assert content_hash(source.read()) == content_hashes(catalog, quiet).hashes[row].tobytes()
    assert len(next(iter(written.shards))) == len("pictures-000000.tar")
    first = next(iter(written.shards))
    with tarfile.open(written.folder / first) as tar:
        names = tar.getnames()
        record = json.load(tar.extractfile(names[1]))  # type: ignore[arg-type]
    assert names[:2] == ["000000000.png", "000000000.json"]
    assert record["label"] == Path(record["path"]).parent.name
    assert len(set(catalog.labels[: written.shards[first]])) == 2  # a shard is a sample of all
    again = shard(shapes, tmp_path / "again", megabytes=BYTES / 1e6)
    for name in again.shards:
        assert (again.folder / name).read_bytes() == (written.folder / name).read_bytes()
    other = shard(written.folder, tmp_path / "other", seed=1)  # from shards, in another order
    assert contents(read_catalog(other.folder)) == wanted(shapes)
    assert list(other.shards.values()) == [160]


def test_the_store_is_that_of_the_folder(written: Sharded, shapes: Path) -> None:
    ours = open_store(read_catalog(written.folder), 16, quiet)
    theirs = open_store(read_catalog(shapes), 17, quiet)
    assert theirs.bad
    assert ours.built
    folder = open_store(read_catalog(written.folder), 16, quiet)
    assert not folder.built
    names: dict[bytes, list[tuple[Any, str]]] = {}
    for made, catalog in ((ours, read_catalog(written.folder)), (theirs, read_catalog(shapes))):
        for row, place in enumerate(made.rows):
            if row not in made.bad:
                digest = made.contents.hashes[row].tobytes()
                names.setdefault(digest, []).append((made.pixels[place], catalog.labels[row]))
    assert all(len(found) == 2 and found[0][1] == found[1][1] for found in names.values())


def test_splits_are_kept_and_named_by_shards(tmp_path: Path) -> None:
    for split, count in (("train", 4), ("val", 2), ("test", 3)):
        for kind in ("disc", "cross"):
            save_class(tmp_path / "p" / split / kind, kind, count, first=10 * count)
    made = shard(tmp_path / "p", tmp_path / "s")
    assert made.shards == {
        "test-000000.tar": 6,
        "train-000000.tar": 8,
        "val-000000.tar": 4,
    }
    catalog = read_catalog(tmp_path / "s")
    assert Counter(catalog.splits) == {"train": 8, "val": 4, "test": 6}
    pattern = read_catalog(str(tmp_path / "s" / "{train,val}-{000000..000000}.tar"))
    assert Counter(pattern.splits) == {"train": 8, "val": 4}
    assert read_catalog(str(tmp_path / "s" / "t*.tar")).splits.count("test") == 6


def tar_of(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def png(kind: str, number: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(draw(kind, number)).save(out, "png")
    return out.getvalue()


def test_shards_by_others(tmp_path: Path) -> None:
    one, two = png("disc", 1), png("cross", 2)
    record = b'{"class": "disc", "set": "valid", "group": 5}'
    a = (("1.png", one), ("1.cls", b"7\n"), ("2.cls", b"8"), ("2.v2.png", two), ("3.png", one))
    b = (("a.jpg", one), ("a.json", record), ("b.jpg", two), ("b.json", b"[]"))
    c = (("./train/disc/1.1.png", one), ("./train/disc/1.2.png", two), ("top.png", two))
    tar_of(tmp_path / "a.tar", [*((f"x/{name}", data) for name, data in a), ("x/4.txt", b"?")])
    tar_of(tmp_path / "b.tar", list(b))
    tar_of(tmp_path / "c.tar", list(c))
    catalog = read_catalog(tmp_path)
    found = list(zip(catalog.labels, catalog.splits, catalog.groups, strict=True))
    assert found == [
        ("7", None, None),
        ("8", None, None),
        ("x", None, None),
        ("disc", "val", "5"),
        ("disc", "train", None),
        ("disc", "train", None),
    ]
    assert [name.rsplit("#")[1] for name, _ in catalog.skipped] == ["b.jpg", "top.png"]


def test_memory_does_not_grow_with_a_shard(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(200_000)
    members = [(f"a/{n:04}.png", noise) for n in range(300)]
    tar_of(tmp_path / "noise.tar", members)
    tracemalloc.start()
    catalog = read_catalog(tmp_path / "noise.tar")
    total = sum(len(source.read()) for source in streamed(catalog.sources))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 300 * len(noise)
    assert peak < 8e6


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
    monkeypatch.setattr(places, "AHEAD", 2000)  # far in from here on, so read in parts
    alone = Counter(content_hash(source.read()) for source in catalog.sources[:20])
    assert alone == Counter(content_hash(s.read()) for s in streamed(catalog.sources[:20]))
    last = len(tars) - 1
    pattern = f"{address}/pictures-{{000000..{last:06}}}.tar"
    assert sorted(read_catalog(pattern).names) == sorted(catalog.names)


def test_what_is_not_there_says_so(http: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    address, _ = http()
    for place, says in (
        (f"{address}/none.tar", "none.tar"),
        ("http://127.0.0.1:9/a.tar", "cannot find http://127.0.0.1:9/a.tar"),
        (str(tmp_path / "none.tar"), "there is no file"),
        (str(tmp_path / "none-*.tar"), "there are no shards"),
        ("nowhere://bucket/a.tar", "cannot read nowhere://bucket/a.tar"),
    ):
        with pytest.raises(ConvlensError, match=says):
            read_catalog(place)


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
                for _ in range(600):
                    try:
                        httpx.put(f"{endpoint}/cells").raise_for_status()
                        break
                    except httpx.TransportError:
                        time.sleep(0.1)
                system, path = places._filesystem("s3://cells/shapes")
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


def test_training_and_judging_from_a_stream(http: Any, tmp_path: Path) -> None:
    address, _ = http(ranges=True)
    done = train(address, tmp_path / "run", steps=30, weights="none", **SMALL)
    assert done.finished
    assert done.metrics["test"]["n"] == 32
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["pictures"] == address
    manifest = list(csv.DictReader((tmp_path / "run" / "manifest.csv").open()))
    assert all(row["path"].startswith(f"{address}/pictures-0") for row in manifest)
    assert evaluate(done.detector, address).figures.n == 160


def _linked(kind: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with tarfile.open(path, "w") as tar:
            info = tarfile.TarInfo("a/1.png")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)

    return make


def _named(name: str) -> Callable[[Path], None]:
    return lambda path: void(tar_of(path, [(name, b"x")]))


def void(_: object) -> None:
    pass


def _large(path: Path) -> None:
    info = tarfile.TarInfo("a/1.png")
    info.size = 1 << 40
    path.write_bytes(info.tobuf() + bytes(1 << 20))


def _sparse(path: Path) -> None:
    info = tarfile.TarInfo("a/1.png")
    info.type = tarfile.GNUTYPE_SPARSE
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def _compressed(path: Path) -> None:
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a/1.png"))


def _cut(path: Path) -> None:
    tar_of(path, [("a/1.png", bytes(100_000))])
    path.write_bytes(path.read_bytes()[:50_000])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_linked(tarfile.SYMTYPE), "link or a device"),
        (_linked(tarfile.LNKTYPE), "link or a device"),
        (_linked(tarfile.CHRTYPE), "link or a device"),
        (_linked(tarfile.FIFOTYPE), "link or a device"),
        (_sparse, "link or a device"),
        (_named("../1.png"), "leads out"),
        (_named("a/../../1.png"), "leads out"),
        (_named("/etc/1.png"), "leads out"),
        (_named("a\\..\\1.png"), "leads out"),
        (_named("C:/1.png"), "leads out"),
        (_large, "a picture has"),
        (_compressed, "plain tar files"),
        (_cut, "ends within|no readable .tar"),
        (lambda path: void(path.write_bytes(b"not a tar" * 1000)), "no readable .tar"),
    ],
)
def test_what_could_do_harm_is_refused(
    make: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.tar"
    make(path)
    with pytest.raises(ConvlensError, match=says) as raised:
        read_catalog(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("name", ["../x.tar", "/x.tar", "http://elsewhere/x.tar", "x.zip"])
def test_an_index_names_shards_beside_it_only(name: str, tmp_path: Path) -> None:
    listed = {"shardlist": [{"url": name, "nsamples": 1}]}
    (tmp_path / "index.json").write_text(json.dumps(listed))
    with pytest.raises(ConvlensError, match=r"an index may name \.tar files beside it"):
        read_catalog(tmp_path / "index.json")


def test_shards_that_changed_or_miss_pictures_say_so(shapes: Path, tmp_path: Path) -> None:
    made = shard(shapes, tmp_path / "s")
    (path,) = (tmp_path / "s").glob("*.tar")
    catalog = read_catalog(made.folder)
    data = bytearray(path.read_bytes())
    data[600] ^= 1  # within the first picture
    path.write_bytes(data)
    with pytest.raises(ConvlensError, match="has changed since its pictures were listed"):
        catalog.sources[0].read()
    (tmp_path / "s" / "index.json").write_text(
        json.dumps({"shardlist": [{"url": path.name, "nsamples": 161}]})
    )
    with pytest.raises(ConvlensError, match="holds 160 pictures, and the index says 161"):
        read_catalog(made.folder)
    with pytest.raises(UsageError, match="it exists and is not empty"):
        shard(shapes, tmp_path / "s")
    with pytest.raises(UsageError, match="--megabytes 0"):
        shard(shapes, tmp_path / "t", megabytes=0)


def test_parts_of_an_archive_do_not_overlap(
    written: Sharded, run: Path, shapes: Path, tmp_path: Path, capsys: Any
) -> None:
    detector = Detector(run)
    whole = [answer.name for answer in predict(detector, written.folder)]
    assert len(whole) == len(set(whole)) == 160
    parts = [
        [answer.name for answer in predict(detector, [written.folder, shapes / "disc"], (k, 3))]
        for k in range(3)
    ]
    assert all(parts)
    every = [name for part in parts for name in part]
    assert len(every) == len(set(every)) == 160 + 81
    # one is stopped by a damaged shard; two others go on and come to the end
    broken = tmp_path / "shards"
    broken.mkdir()
    for file in written.folder.glob("*.tar"):
        (broken / file.name).write_bytes(file.read_bytes())
    third = sorted(broken.iterdir())[2]
    whole_bytes = third.read_bytes()
    third.write_bytes(whole_bytes[: len(whole_bytes) // 2])
    out = tmp_path / "answers"
    words = ["predict", str(run), str(broken), "--out", str(out)]
    assert main(words) == 1
    assert "is no readable .tar at byte" in capsys.readouterr().err
    assert len(list(out.glob("*.csv"))) == 2
    third.write_bytes(whole_bytes)
    assert main([*words, "--share", "2/2"]) == 0
    assert "1 were there already" in capsys.readouterr().out
    assert main([*words, "--share", "1/2"]) == 0
    rows = [row for file in out.glob("*.csv") for row in csv.DictReader(file.open())]
    names = [row["path"].rsplit("/", 1)[1] for row in rows]
    assert sorted(names) == sorted(name.rsplit("/", 1)[1] for name in whole)
    answers = {a.name.rsplit("/", 1)[1]: a for a in predict(detector, written.folder)}
    for name, row in zip(names, rows, strict=True):
        assert float(row["probability"]) == answers[name].probability
    done = predict_shards(detector, broken, out)
    assert (done.shards, done.before, done.pictures) == (0, len(written.shards), 0)
    (out / "archive.json").write_text('{"detector": "another"}')
    with pytest.raises(ConvlensError, match="answers of another detector"):
        predict_shards(detector, broken, out)


def test_wrong_parts_say_what_is_right(
    run: Path, shapes: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["predict", str(run), str(shapes / "disc")]
    for more, says in (
        (["--share", "0/2"], "K can be 1 to 2"),
        (["--share", "half"], "it takes K/N"),
        (["--out", "x"], "--out takes shards"),
        (["--out", "x", "--json"], "give neither --json nor --top"),
        (["--share", "1/2", "--isolate"], "--isolate goes with neither"),
    ):
        assert main([*words, *more]) == 2
        assert says in capsys.readouterr().err
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(words) == 2
    assert "several processes would print into one output" in capsys.readouterr().err
