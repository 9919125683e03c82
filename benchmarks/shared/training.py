"""A training by the command, as a user runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def train_by_command(
    pictures: Path, out: Path, *options: str, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Train with these options of `convlens train`, and variables of the environment besides.

    What `metrics.json` says.
    """
    command = [sys.executable, "-m", "convlens", "train", str(pictures), "--out", str(out)]
    subprocess.run(
        [*command, *options],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return metrics
