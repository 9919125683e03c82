"""An environment of its own for each peer."""

import shutil
import subprocess
import venv
from pathlib import Path

TORCH = ["torch==2.14.1", "torchvision==0.29.1"]
PEERS = {
    "fastai": ["fastai", *TORCH],
    "timm": ["timm", *TORCH],
    "ultralytics": ["ultralytics", *TORCH],
    "keras": ["keras", "tensorflow-cpu", "pillow"],
}


def environment(name: str, home: Path) -> Path:
    """The peer's own Python."""
    folder = home / name
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"making an environment for {name} ...", flush=True)
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *PEERS[name]]
        subprocess.run(command, check=True)
        (folder / "made").touch()
    return python
