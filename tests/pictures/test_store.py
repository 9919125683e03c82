"""The pixel store: made once, keyed by content, noticed when damaged."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convlens.errors import ConvlensError, PictureError, UsageError
from convlens.pictures.cache import forget, recall, remember
from convlens.pictures.decode import RGB, decode
from convlens.pictures.read import read_catalog
from convlens.pictures.resize import Resizer
from convlens.pictures.source import FileSource
from convlens.pictures.store import PixelStore, open_store
from helpers import files_opened, save_class


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVLENS_CACHE", str(tmp_path / "cache"))
    for kind in ("disc", "cross"):
        save_class(tmp_path / "p" / kind, kind, 6)
    return tmp_path / "p"


def open_quietly(folder: Path, size: int = 16) -> PixelStore:
    return open_store(read_catalog(folder), size, progress=lambda *_: None)


def store_files(folder: Path) -> list[Path]:
    return sorted((folder.parent / "cache" / "pixels").glob("*/*"))


def test_rows_are_the_decoded_and_resized_pictures(pictures: Path) -> None:
    store, catalog, resize = open_quietly(pictures), read_catalog(pictures), Resizer(16)
    for row, source in enumerate(catalog.sources):
        assert np.array_equal(store.pixels[store.rows[row]], resize(decode(source.read())))


def test_the_second_time_nothing_is_made(pictures: Path) -> None:
    assert open_quietly(pictures).built
    assert not open_quietly(pictures).built
    moved = pictures.parent / "elsewhere"
    shutil.copytree(pictures, moved)
    (moved / "disc" / "000.png").rename(moved / "cross" / "relabelled.png")
    assert not open_quietly(moved).built  # the content is the key
    assert open_quietly(pictures, size=20).built


def test_each_picture_is_read_and_decoded_once(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []

    def decoding(data: bytes) -> RGB:
        decoded.append(data)
        return decode(data)

    monkeypatch.setattr("convlens.pictures.fill.decode", decoding)
    shutil.copy(pictures / "disc" / "000.png", pictures / "cross" / "copy.png")
    (pictures / "disc" / "none.png").write_text("no picture")
    with files_opened() as opened:
        first = open_quietly(pictures)
    assert Counter(opened) == {str(path): 1 for path in pictures.glob("*/*.png")}
    assert len(set(decoded)) == 13
    assert len(decoded) - 13 <= 1  # two copies may be under way at once
    assert set(first.sides[first.rows[first.rows >= 0]]) == {40}
    save_class(pictures / "disc", "disc", 1, first=7)
    (pictures / "cross" / "000.png").unlink()
    for folder, count in ((pictures, 1), (shutil.copytree(pictures, pictures.parent / "q"), 0)):
        decoded.clear()
        with files_opened() as opened:
            store = open_quietly(folder)
        assert Counter(opened) == {str(path): 1 for path in folder.glob("*/*.png")}
        good = [data for data in decoded if data != b"no picture"]
        assert len(good) == count  # the others are in the store before
        assert store.built == bool(count)
        for row, source in enumerate(read_catalog(folder).sources):
            if row not in store.bad:
                assert np.array_equal(
                    store.pixels[store.rows[row]], Resizer(16)(decode(source.read()))
                )
    with files_opened() as opened:
        open_quietly(pictures)
    assert opened == []


def test_what_could_not_be_read_is_tried_again(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = FileSource.read

    def fail(source: FileSource) -> bytes:
        if source.path.endswith("disc/000.png"):
            raise PictureError("Input/output error")
        return read(source)

    with monkeypatch.context() as patched:
        patched.setattr(FileSource, "read", fail)
        for _ in range(2):
            store = open_quietly(pictures)
            assert list(store.bad.values()) == ["Input/output error"]
            assert len(store.pixels) == 11
    with files_opened() as opened:
        store = open_quietly(pictures)
    assert not store.bad
    assert opened == [str(pictures / "disc" / "000.png")]


def test_where_no_picture_can_be_read(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in pictures.glob("*/*.png"):
        path.unlink()
        path.symlink_to("nowhere")
    for _ in range(2):
        store = open_quietly(pictures)
        assert store.pixels.shape == (0, 16, 16, 3)
        assert set(store.bad.values()) == {"No such file or directory"}


def test_a_changed_picture_is_noticed(pictures: Path) -> None:
    before = open_quietly(pictures)
    victim = pictures / "disc" / "000.png"
    times = victim.stat()
    Image.new("RGB", (48, 40), (1, 2, 3)).save(victim)
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))  # the time of writing may lie
    after = open_quietly(pictures)
    assert after.built
    assert before.contents.hex(0) == after.contents.hex(0)  # cross/000 is the first
    row = read_catalog(pictures).names.index(str(victim))
    assert after.pixels[after.rows[row]].reshape(-1, 3).max(0).tolist() == [1, 2, 3]


@pytest.mark.parametrize("harm", ["flip", "cut", "index", "half", "gone"])
def test_a_damaged_store_is_made_anew(pictures: Path, harm: str) -> None:
    good = np.array(open_quietly(pictures).pixels)
    index, pixels = store_files(pictures)
    if harm == "flip":
        data = bytearray(pixels.read_bytes())
        data[len(data) // 2] ^= 1
        pixels.write_bytes(data)
    elif harm == "cut":
        pixels.write_bytes(pixels.read_bytes()[:-5])
    elif harm == "index":
        index.write_bytes(index.read_bytes().replace(b"errors", b"errorz"))
    elif harm == "half":
        index.unlink()
    else:
        pixels.unlink()
    store = open_quietly(pictures)
    assert store.built
    assert np.array_equal(store.pixels, good)


def test_bad_files_are_known_by_name_the_second_time_too(pictures: Path) -> None:
    (pictures / "disc" / "empty.png").write_bytes(b"")
    (pictures / "disc" / "text.jpg").write_text("no picture")
    data = (pictures / "disc" / "000.png").read_bytes()
    (pictures / "disc" / "cut.png").write_bytes(data[: len(data) // 2])
    for _ in range(2):
        catalog = read_catalog(pictures)
        store = open_store(catalog, 16, progress=lambda *_: None)
        bad = {Path(catalog.names[row]).name: reason for row, reason in store.bad.items()}
        assert set(bad) == {"empty.png", "text.jpg", "cut.png"}
        assert "empty" in bad["empty.png"]
        assert "not a picture" in bad["text.jpg"]
        good, store = store.without_bad(catalog)
        assert len(good) == len(store.rows) == 12
        assert store.rows.min() >= 0


def test_equal_pictures_share_a_row(pictures: Path) -> None:
    shutil.copy(pictures / "disc" / "000.png", pictures / "disc" / "copy.png")
    store = open_quietly(pictures)
    assert len(store.rows) == 13
    assert len(store.pixels) == 12


def test_the_oldest_stores_make_room(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVLENS_CACHE_GB", str(12 * 16 * 16 * 3 * 2.5 / 1e9))
    for number, size in enumerate((16, 15, 14)):
        open_quietly(pictures, size)
        newest = max((pictures.parent / "cache" / "pixels").iterdir(), key=os.path.getmtime)
        os.utime(newest, (number, number))
    assert open_quietly(pictures, 16).built  # it was the oldest, and had to go
    with pytest.raises(ConvlensError, match="CONVLENS_CACHE_GB"):
        open_quietly(pictures, 64)
    for no_number in ("much", "inf", "nan"):
        monkeypatch.setenv("CONVLENS_CACHE_GB", no_number)
        with pytest.raises(UsageError, match="takes a number"):
            open_quietly(pictures, 13)
    monkeypatch.setenv("CONVLENS_CACHE_GB", "1")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(ConvlensError, match=r"the disk of .* has 0\.0 GB left: make room"):
        open_quietly(pictures, 13)


def test_several_processes_may_make_it_at_once(pictures: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from convlens.pictures.read import read_catalog\n"
        "from convlens.pictures.store import open_store\n"
        "print(open_store(read_catalog(sys.argv[1]), 16, progress=lambda *_: None).pixels.sum())"
    )
    command = [sys.executable, "-c", code, str(pictures), str(Path(__file__).parents[2] / "src")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    sums = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(sums) == 1
    assert len(list((pictures.parent / "cache" / "pixels").iterdir())) == 1


def test_the_resize_is_within_a_level_of_pillows() -> None:
    random = np.random.default_rng(0)
    for height, width, size in ((200, 300, 64), (37, 53, 32), (20, 20, 48), (500, 80, 128)):
        image = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
        wanted = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
        difference = Resizer(size)(image).astype(int) - np.asarray(wanted)
        assert np.abs(difference).max() <= 1


def test_arrays_used_longest_ago_make_room(tmp_path: Path) -> None:
    for number in range(4):
        remember(tmp_path / f"{number}.npy", np.full(1000, number))
        os.utime(tmp_path / f"{number}.npy", (number, number))
    first = recall(tmp_path / "0.npy", mapped=True)
    assert first is not None
    assert isinstance(first, np.memmap)
    forget(tmp_path, 3 * 8200)
    assert {path.stem for path in tmp_path.iterdir()} == {"0", "2", "3"}
    forget(tmp_path, 0)
    assert {path.stem for path in tmp_path.iterdir()} == {"0"}  # which was asked for last
    assert first.tolist() == [0] * 1000


def test_what_cannot_be_kept_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remember(tmp_path / "file" / "array.npy", np.zeros(3))
    assert recall(tmp_path / "file" / "array.npy") is None
