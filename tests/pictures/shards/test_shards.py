"""Shards: written, listed and read as streams, here, over HTTP and from an object store."""

import io
import json
import tarfile
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convlens.errors import ConvlensError, UsageError
from convlens.pictures.hashing import recall_hashes
from convlens.pictures.read import read_catalog
from convlens.pictures.shards.read import streamed
from convlens.pictures.shards.urls import absolute_url
from convlens.pictures.shards.write import Sharded, shard
from convlens.pictures.source import content_hash
from convlens.pictures.store import open_store
from helpers import BYTES, contents, draw, save_class, tar_of, wanted


def quiet(*_: object) -> None:
    pass


def test_every_picture_is_in_one_shard_once(written: Sharded, shapes: Path, tmp_path: Path) -> None:
    assert len(written.shards) > 5
    assert written.pictures == 160
    assert [Path(name).name for name, _ in written.skipped] == ["notes.txt"]
    catalog = read_catalog(written.folder)
    assert contents(catalog) == wanted(shapes)
    # in the middle, one by one, in an order of its own, the bytes are the same
    hashes, _ = recall_hashes(catalog)
    for row in (150, 3, 77):
        assert content_hash(catalog.sources[row].read()) == hashes[row].tobytes()
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
    ours = open_store(read_catalog(written.folder), 16, progress=quiet)
    theirs = open_store(read_catalog(shapes), 17, progress=quiet)
    assert theirs.bad
    assert ours.built
    folder = open_store(read_catalog(written.folder), 16, progress=quiet)
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


def test_a_path_from_the_root_leads_to_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `..`, but for one behind a link, which leads elsewhere."""
    (tmp_path / "far" / "data").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "data").symlink_to(tmp_path / "far" / "data")
    monkeypatch.chdir(tmp_path / "here")
    assert absolute_url("../far/./data") == str(tmp_path / "far" / "data")
    assert Path(absolute_url("data/..")).samefile(tmp_path / "far")
    assert absolute_url("s3://bucket/a/../b") == "s3://bucket/a/../b"
