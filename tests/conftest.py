"""Made pictures, a trained run to look at, and what to do where a program is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from PIL import Image

if TYPE_CHECKING:
    from convlens.pictures.sharding import Sharded

Pixels = npt.NDArray[np.uint8]

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


def draw(kind: str, number: int, height: int = 40, width: int = 48) -> Pixels:
    """A disc or a cross of random colour and place on a noisy ground."""
    random = np.random.default_rng([number, len(kind)])
    picture = random.integers(0, 90, (height, width, 3)) + random.integers(0, 60, 3)
    y, x = np.mgrid[:height, :width]
    cy, cx = random.uniform(0.35, 0.65, 2) * (height, width)
    radius = random.uniform(0.2, 0.3) * min(height, width)
    if kind == "disc":
        shape = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
    else:
        near = (np.abs(y - cy) < radius) & (np.abs(x - cx) < radius)
        shape = near & ((np.abs(y - cy) < radius / 4) | (np.abs(x - cx) < radius / 4))
    picture[shape] = random.integers(150, 256, 3)
    return picture.astype(np.uint8)


def save_class(folder: Path, kind: str, count: int, first: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        Image.fromarray(draw(kind, number)).save(folder / f"{number:03}.png")


def save_shapes(folder: Path, count: int) -> Path:
    """So many discs and crosses, in a folder per class."""
    for kind in ("disc", "cross"):
        save_class(folder / kind, kind, count)
    return folder


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 discs and 80 crosses, in a folder per class, and one file that is no picture."""
    folder = save_shapes(tmp_path_factory.mktemp("shapes") / "shapes", 80)
    (folder / "disc" / "notes.txt").write_text("not a picture")
    return folder


SMALL: dict[str, Any] = {
    "network": "conv 8 3x3 same, norm, pool 2, conv 16 3x3 same, norm, pool 2, gap, dropout 0.1",
    "size": 24,
    "compute": "float32",
    "batch": "16",
    "augment": "mirror,shift,colour",
    "learning_rate": 0.01,
    "seed": 3,
}


@pytest.fixture(scope="session")
def run(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a small network trained on the shapes."""
    from convlens import train

    folder = tmp_path_factory.mktemp("runs") / "shapes"
    train(shapes, folder, epochs=30, **SMALL)
    return folder


BYTES = 60_000
"""In a shard of the shapes, about."""


@pytest.fixture(scope="module")
def written(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> "Sharded":
    """The shapes as several shards."""
    from convlens.pictures.sharding import shard

    out = tmp_path_factory.mktemp("shards") / "shards"
    return shard(shapes, out, megabytes=BYTES / 1e6)


@contextmanager
def served(run: Path) -> Iterator[str]:
    """A server of its own, ended in any case."""
    command = [sys.executable, "-m", "convlens", "serve", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split(" at ")[1].strip()
        finally:
            process.terminate()


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
