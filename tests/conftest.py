"""Made pictures, a trained run to look at, and what to do where a program is missing."""

import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from hypothesis import settings

from helpers import BYTES, SMALL, Convlens, missing, save_shapes
from objects import save_objects

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from convlens.pictures.shards.write import Sharded

# no test asserts a time, and a shared machine makes any deadline chance
settings.register_profile("convlens", deadline=None)
settings.load_profile("convlens")


def pytest_configure() -> None:
    """Of several processes that test, each has a core of its own, and what it starts too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` ignores Ctrl-C
    for variable in ("NO_PROXY", "no_proxy"):  # servers of tests are on this machine
        spared = os.environ.get(variable)
        os.environ[variable] = ",".join(filter(None, (spared, "127.0.0.1,localhost")))
    name = os.environ.get("PYTEST_XDIST_WORKER")
    if name and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(name.removeprefix("gw")) % len(cores)]})


TRAINED = {
    "run",
    "boxes_run",
    "seeker",
    "server",
    "page_server",
    "open_page",
    "browser_with",
    "spared",
    "bucket",
}
"""Fixtures that train a network, or start what takes as long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who uses such a fixture is left out of `make test-fast`, as who is marked so."""
    for item in items:
        if TRAINED & set(getattr(item, "fixturenames", ())):
            item.add_marker("trains")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["CONVLENS_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], object]], Path]:
    """Gives a folder that is filled once for all processes that test."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        path, done = root / "once" / name, root / "once" / f"{name}.done"
        path.parent.mkdir(exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not done.exists():
                fill(path)
                done.touch()
        return path

    return folder


@pytest.fixture(scope="session")
def shapes(once: Callable[..., Path]) -> Path:
    """80 discs and 80 crosses, in a folder per class, and one file that is no picture."""

    def fill(folder: Path) -> None:
        save_shapes(folder, 80)
        (folder / "disc" / "notes.txt").write_text("not a picture")

    return once("shapes", fill)


@pytest.fixture(scope="session")
def run(shapes: Path, once: Callable[..., Path]) -> Path:
    """A run folder of a small network trained on the shapes."""
    from convlens import train

    return once("run", lambda folder: train(shapes, folder, epochs=30, **SMALL))


@pytest.fixture(scope="session")
def objects(once: Callable[..., Path]) -> Path:
    """60 pictures with boxes around discs and squares."""
    return once("objects", lambda folder: save_objects(folder, 60))


@pytest.fixture(scope="session")
def boxes_run(objects: Path, once: Callable[..., Path]) -> Path:
    """A run folder of a detector of these boxes."""
    from convlens import train

    def fill(folder: Path) -> None:
        run = train(objects, folder, epochs=10, threads=1, compute="float32", size=96)
        assert run.finished

    return once("boxes-run", fill)


@pytest.fixture(scope="module")
def browser_with(need: Callable[..., str]) -> Iterator["Callable[..., Browser]"]:
    """Gives a real Chromium with further words, always the same one for the same words."""
    from playwright.sync_api import expect, sync_playwright

    from servers import SECONDS

    expect.set_options(timeout=1000 * SECONDS)
    path = need("chromium", "chromium-browser", "google-chrome")
    browsers: dict[tuple[str, ...], Browser] = {}
    with sync_playwright() as playwright:

        def launch(*words: str) -> "Browser":
            if words not in browsers:
                browsers[words] = playwright.chromium.launch(
                    executable_path=path, args=["--no-sandbox", *words]
                )
            return browsers[words]

        yield launch
        for browser in browsers.values():
            browser.close()


@pytest.fixture(scope="session")
def web_runtime() -> Path:
    """ONNX Runtime for browsers, from npm, beside the packages of this Python."""
    folder = Path(sys.prefix) / "onnxruntime-web"
    if not folder.is_dir():
        missing("the npm package onnxruntime-web (make web-runtime)")
    return folder


@pytest.fixture
def convlens(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Convlens:
    """The command line without a process: the same words, output and exit status."""
    from convlens.cli import main

    def call(*words: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as error:  # as argparse ends
            status = int(error.code or 0)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess([str(word) for word in words], status, out, err)

    return call


@pytest.fixture
def spared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compares a detector file with its network on the fewest pictures, not for seconds.

    For tests of pretrained networks that are about other things.
    """
    from convlens.training import finish, rehearsal

    for module in (finish, rehearsal):
        monkeypatch.setattr(module, "seconds_within", lambda _: 0.0)


@pytest.fixture(scope="module")
def written(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> "Sharded":
    """The shapes as several shards."""
    from convlens.pictures.shards.write import shard

    out = tmp_path_factory.mktemp("shards") / "shards"
    return shard(shapes, out, megabytes=BYTES / 1e6)


@pytest.fixture(scope="session")
def need() -> Callable[..., str]:
    """Gives the path of a program that the test needs, by any of its names."""

    def find(*names: str) -> str:
        for name in names:
            path = shutil.which(name) or shutil.which(name, path=Path(sys.executable).parent)
            if path:
                return path
        return missing(" or ".join(names))

    return find
