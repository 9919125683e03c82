"""What is released: named by its tag, the same built again, and without extras it predicts."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from helpers import draw

pytestmark = pytest.mark.trains

HOME = Path(__file__).parent.parent
COMMITTED = 1_700_000_000
ALONE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
ALONE["GIT_CONFIG_GLOBAL"] = os.devnull  # commits here are nobody's to sign


def call(*words: object, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        [*map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=ALONE | env,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, out: Path, *kinds: str) -> dict[str, str]:
    """The names of what is built of a folder, with their SHA-256."""
    words = (sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", out, source)
    call(*words, cwd=source, SOURCE_DATE_EPOCH=str(COMMITTED))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory, need: Callable[..., str]) -> Path:
    """The sources in a repository of their own, whose commit has a tag."""
    git, folder = need("git"), tmp_path_factory.mktemp("tagged") / "convlens"
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(HOME / name, folder)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(HOME / "src", folder / "src", ignore=ignore)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (
        ("init",),
        ("add", "."),
        (*who, "commit", "-m", "all"),
        (*who, "tag", "-m", "it", "v1.2.3"),
    ):
        call(git, *words, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(tagged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made of the source distribution."""
    out = tmp_path_factory.mktemp("dist")
    build(tagged, out)
    return out / "convlens-1.2.3-py3-none-any.whl"


def test_a_release_is_named_by_its_tag_and_is_the_same_built_again(
    tagged: Path, wheel: Path, tmp_path: Path
) -> None:
    again = build(tagged, tmp_path / "again", "--wheel")
    assert again == {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest()}


def test_without_git_a_wheel_is_built_all_the_same(tagged: Path, tmp_path: Path) -> None:
    shutil.copytree(tagged, tmp_path / "plain", ignore=shutil.ignore_patterns(".git", "build"))
    assert set(build(tmp_path / "plain", tmp_path / "out", "--wheel")) == {
        "convlens-0.0-py3-none-any.whl"
    }


def test_the_wheel_predicts_without_torch(run: Path, wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    constraints = HOME / "constraints.txt"
    call(python, "-m", "pip", "install", "-q", "-c", constraints, wheel, cwd=tmp_path)
    installed = json.loads(call(python, "-m", "pip", "list", "--format=json", cwd=tmp_path))
    names = {package["name"].lower() for package in installed}
    assert "onnxruntime" in names
    assert not {"torch", "torchvision", "timm", "onnx", "matplotlib"} & names
    Image.fromarray(draw("disc", 7)).save(tmp_path / "one.png")
    command = tmp_path / "env" / "bin" / "convlens"
    assert call(command, "--version", cwd=tmp_path) == "convlens 1.2.3\n"
    answer = json.loads(call(command, "predict", run, "one.png", "--json", cwd=tmp_path))
    assert answer[0]["predicted"] in {"disc", "cross"}
    here_too = json.loads(
        call(sys.executable, "-m", "convlens", "predict", run, "one.png", "--json", cwd=tmp_path)
    )
    assert answer == here_too
    call(command, "networks", "lecture", "--size", "32", cwd=tmp_path)
    train = subprocess.run(
        [str(command), "train", "x"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert train.returncode == 1
    assert "pip install 'convlens[train]'" in train.stderr
