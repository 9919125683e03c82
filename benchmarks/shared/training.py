"""A training by the command, as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def train_by_command(pictures: Path, out: Path, *options: str) -> dict[str, Any]:
    """Train with these options of `convlens train`; what `metrics.json` says."""
    command = [sys.executable, "-m", "convlens", "train", str(pictures), "--out", str(out)]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return metrics
