"""Made pictures, a trained run to look at, and what to do where a program is missing."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from helpers import BYTES, SMALL, save_shapes

if TYPE_CHECKING:
    from convlens.pictures.shards.write import Sharded

# no test asserts a time, and a shared machine makes any deadline chance
settings.register_profile("convlens", deadline=None)
settings.load_profile("convlens")


def pytest_configure() -> None:
    """Of several processes that test, each has a core of its own, and what it starts too."""
    name = os.environ.get("PYTEST_XDIST_WORKER")
    if name and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(name.removeprefix("gw")) % len(cores)]})


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["CONVLENS_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 discs and 80 crosses, in a folder per class, and one file that is no picture."""
    folder = save_shapes(tmp_path_factory.mktemp("shapes") / "shapes", 80)
    (folder / "disc" / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture(scope="session")
def run(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a small network trained on the shapes."""
    from convlens import train

    folder = tmp_path_factory.mktemp("runs") / "shapes"
    train(shapes, folder, epochs=30, **SMALL)
    return folder


@pytest.fixture(scope="module")
def written(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> "Sharded":
    """The shapes as several shards."""
    from convlens.pictures.shards.write import shard

    out = tmp_path_factory.mktemp("shards") / "shards"
    return shard(shapes, out, megabytes=BYTES / 1e6)


@pytest.fixture(scope="session")
def need() -> Callable[..., str]:
    """Gives a program's path; where none of the names is there, skips, or fails in CI."""

    def find(*names: str) -> str:
        for name in names:
            path = shutil.which(name) or shutil.which(name, path=Path(sys.executable).parent)
            if path:
                return path
        why = f"needs {' or '.join(names)}, which is not installed"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)

    return find
