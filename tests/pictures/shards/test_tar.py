"""Archives from elsewhere that could do harm, or are damaged, are refused by name."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from convlens.errors import ConvlensError
from convlens.pictures.read import read_catalog
from helpers import tar_of


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


@pytest.mark.parametrize("left", [1, 511, 0])
def test_a_shard_that_was_cut_off_between_pictures_is_told(left: int, tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tar", [(f"a/{number}.png", bytes(600)) for number in range(3)])
    path.write_bytes(path.read_bytes()[: 2 * (512 + 1024) + left])
    with pytest.raises(ConvlensError, match="has no end, as if cut off"):
        read_catalog(path)


@pytest.mark.parametrize("name", ["../x.tar", "/x.tar", "http://elsewhere/x.tar", "x.zip"])
def test_an_index_names_shards_beside_it_only(name: str, tmp_path: Path) -> None:
    listed = {"shardlist": [{"url": name, "nsamples": 1}]}
    (tmp_path / "index.json").write_text(json.dumps(listed))
    with pytest.raises(ConvlensError, match=r"an index may name \.tar files beside it"):
        read_catalog(tmp_path / "index.json")


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"shardlist": [{"url": "1.tar"}]}'])
def test_what_is_no_index_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(ConvlensError, match=r"index\.json is no index of shards"):
        read_catalog(tmp_path / "index.json")


def test_half_a_character_in_the_name_of_a_shard_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"shardlist": [{"url": "\\ud83d.tar", "nsamples": 1}]}')
    with pytest.raises(ConvlensError, match="there is no file"):
        read_catalog(tmp_path / "index.json")


def test_several_labels_are_refused_and_one_in_a_list_is_one(tmp_path: Path) -> None:
    for labels in (["cat"], ["cat", "dog"]):
        record = json.dumps({"labels": labels}).encode()
        tar_of(tmp_path / f"{len(labels)}.tar", [("1.png", b"x"), ("1.json", record)])
    assert read_catalog(tmp_path / "1.tar").labels == ("cat",)
    with pytest.raises(ConvlensError, match=r"1\.json has 2 labels \(cat, dog\)"):
        read_catalog(tmp_path / "2.tar")
