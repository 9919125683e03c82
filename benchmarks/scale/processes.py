"""Trainings by one process, by two together, or by two that know nothing of each other."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np


def training_command(processes: int, work: dict[str, Any]) -> list[str]:
    """The command that starts so many processes of one training."""
    own = [str(Path(__file__).with_name("process.py")), json.dumps(work)]
    if processes == 1:
        return [sys.executable, *own]
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [sys.executable, *start, *own]


def train_together(processes: int, home: Path, work: dict[str, Any]) -> dict[str, Any]:
    """The figures of one training by so many processes."""
    answer = home / f"answer-{processes}.json"
    subprocess.run(training_command(processes, {**work, "answer": str(answer)}), check=True)
    figures: dict[str, Any] = json.loads(answer.read_text())
    return figures


def train_side_by_side(home: Path, work: dict[str, Any]) -> float:
    """Seconds of a step of each of two processes that know nothing of each other."""
    answers = [home / f"beside-{number}.json" for number in range(2)]
    started = [
        subprocess.Popen(training_command(1, {**work, "answer": str(path)})) for path in answers
    ]
    assert all(process.wait() == 0 for process in started)
    return float(np.mean([json.loads(path.read_text())["seconds"] for path in answers]))
