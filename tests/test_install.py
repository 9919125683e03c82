"""The wheel without extras, in a fresh environment: it predicts, and no torch is there."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from PIL import Image

from helpers import draw

pytestmark = pytest.mark.trains


def call(*words: object, cwd: Path) -> str:
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, cwd=cwd, env=alone, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_predicts_without_torch(run: Path, tmp_path: Path) -> None:
    here = Path(__file__).parent.parent
    call(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, here, cwd=tmp_path)
    (wheel,) = tmp_path.glob("convlens-*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    constraints = here / "constraints.txt"
    call(python, "-m", "pip", "install", "-q", "-c", constraints, wheel, cwd=tmp_path)
    installed = json.loads(call(python, "-m", "pip", "list", "--format=json", cwd=tmp_path))
    names = {package["name"].lower() for package in installed}
    assert "onnxruntime" in names
    assert not {"torch", "torchvision", "timm", "onnx", "matplotlib"} & names
    Image.fromarray(draw("disc", 7)).save(tmp_path / "one.png")
    command = tmp_path / "env" / "bin" / "convlens"
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
