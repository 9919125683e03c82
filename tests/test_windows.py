"""What Windows does otherwise, acted out here: no test of it has run there."""

import ctypes
import io
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from convlens.cli import main
from convlens.engine.interrupt import stop_on_interrupt
from convlens.errors import ConvlensError
from convlens.files import write_whole
from convlens.pictures.boxes.write.convert import convert
from convlens.pictures.cache import cache_folder, make_room, remove_store
from convlens.pictures.read import read_catalog
from convlens.pictures.shards.urls import dataset_name
from convlens.pictures.shards.write import shard
from convlens.serving.teach import training_process
from convlens.windows import alive, file_name
from helpers import save_shapes, signalled


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")


def test_a_process_is_looked_up_and_never_sent_ctrl_c(
    windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kernel:
        """Processes 1 (running), 2 (ended, and not yet forgotten) and 4 (the system's)."""

        closed = 0

        def OpenProcess(self, _rights: int, _inherit: bool, pid: int) -> int:  # noqa: N802
            return pid if pid in {1, 2} else 0

        def GetLastError(self) -> int:  # noqa: N802
            return 5

        def WaitForSingleObject(self, handle: int, _milliseconds: int) -> int:  # noqa: N802
            return 0x102 if handle == 1 else 0

        def CloseHandle(self, _handle: int) -> None:  # noqa: N802
            self.closed += 1

    class Libraries:
        kernel32 = Kernel()

    def kill(*_: object) -> None:
        raise AssertionError("it was sent Ctrl-C")

    monkeypatch.setattr(ctypes, "windll", Libraries, raising=False)
    monkeypatch.setattr(os, "kill", kill)
    assert [alive(1), alive(2), alive(4)] == [True, False, True]
    monkeypatch.setattr(Kernel, "GetLastError", lambda _: 87)
    assert not alive(3)
    assert Libraries.kernel32.closed == 2


def test_a_file_that_is_being_read_is_replaced_once_it_is_free(
    windows: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals, replace = [PermissionError(13, "in use")] * 3, Path.replace

    def refusing(self: Path, target: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    monkeypatch.setattr("convlens.windows.time.sleep", lambda _: None)
    write_whole(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text("utf-8") == "new"
    refusals += [PermissionError(13, "in use")] * 99
    with pytest.raises(ConvlensError, match="cannot write"):
        write_whole(tmp_path / "x", "newer")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_names_that_no_file_can_have_there_are_others(windows: None) -> None:
    for name, kept in (
        ("AUX", "_AUX"),
        ("con.tar", "_con.tar"),
        ("com1", "_com1"),
        ("a:b?c", "a_b_c"),
        ("dots. .", "dots"),
        ("...", "_"),
        ("console", "console"),
        ("é猫", "é猫"),
    ):
        assert file_name(name) == kept
    assert dataset_name("https://example.org/nul.tar") == "_nul"


def test_elsewhere_names_stay_as_they_are() -> None:
    assert file_name("aux") == "aux"
    assert file_name("a:b. ") == "a:b. "


def test_pictures_named_like_devices_are_converted(
    windows: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_shapes(tmp_path / "pictures", 1)
    shutil.move(tmp_path / "pictures/disc/000.png", tmp_path / "pictures/aux.png")
    (tmp_path / "pictures/boxes.csv").write_text(
        "path,label,x1,y1,x2,y2\naux.png,disc,2,3,20,30\n", "utf-8"
    )
    convert(tmp_path / "pictures/boxes.csv", tmp_path / "out", to="yolo")
    assert sorted(p.name for p in (tmp_path / "out").rglob("*aux*")) == ["_aux.png", "_aux.txt"]


def test_backslashes_do_not_reach_groups_or_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_shapes(tmp_path / "p", 2)
    for kind in ("disc", "cross"):
        (folder / kind / "000.png").rename(folder / kind / "a\\b.png")
    catalog = read_catalog(folder)
    monkeypatch.setattr(os, "sep", "\\")  # as if it stood between folders
    groups = catalog.grouped("(a)/b").groups
    assert sorted(map(str, groups)) == ["None", "None", "a", "a"]
    shard(folder, tmp_path / "shards")
    monkeypatch.undo()
    (written,) = (tmp_path / "shards").glob("*.tar")
    content = written.read_bytes()
    assert b"a/b.png" in content
    assert b"a\\\\b.png" not in content


def test_a_store_that_another_process_has_open_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVLENS_CACHE", str(tmp_path))
    monkeypatch.setenv("CONVLENS_CACHE_GB", "0.000002")
    home = cache_folder("pixels")
    for number, name in enumerate(("open", "free")):
        (home / name).mkdir()
        (home / name / "pixels.u8").write_bytes(bytes(1000))
        os.utime(home / name, (number, number))
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if self.name == "open":
            raise PermissionError(13, "in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    make_room(home, 1000)
    assert [path.name for path in home.iterdir()] == ["open"]
    assert (home / "open" / "pixels.u8").stat().st_size == 1000
    assert remove_store(home / "gone")


def test_a_training_in_the_page_is_stopped_as_windows_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    class Process:
        def __init__(self, *_: object, creationflags: int, **__: object) -> None:
            sent.append(creationflags)

        def poll(self) -> None:
            return None

        def send_signal(self, number: int) -> None:
            sent.append(number)

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setattr(training_process, "_STOP", 1)
    monkeypatch.setattr(training_process, "_OWN_GROUP", 512)
    training_process.TrainingProcess(tmp_path / "t.csv", tmp_path / "r", minutes=None).stop()
    assert sent == [512, 1]
    # and whoever is sent it ends soundly
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    with stop_on_interrupt(lambda: None) as stop:
        assert not stop()
        signalled(signal.SIGUSR1)
        assert stop()


def test_what_is_printed_into_a_file_is_utf_8(
    windows: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="cp1252", errors="strict", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["networks", "dense 3", "--size", "8"]) == 0
    assert "─" in written.getvalue().decode("utf-8")


def test_isolation_that_cannot_be_had_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert main(["predict", "x.onnx", "y.png", "--isolate"]) == 1
    assert "--isolate needs limits on a process that this system does not have" in (
        capsys.readouterr().err
    )
