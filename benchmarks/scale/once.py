"""How often an epoch sees each picture where one of two processes is killed and one resumes.

python benchmarks/scale/once.py [--out FOLDER] [--small]
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from scale.measurement import run_measurement
from scale.processes import training_command


def once(home: Path, small: bool) -> dict[str, Any]:
    steps = 20 if small else 100
    size = {"pictures": 128 * steps, "batch": 128, "side": 16, "steps": steps, "every": 5}
    work = {**size, "folder": str(home / "run"), "answer": str(home / "end.json")}
    first = {**work, "log": str(home / "first")}
    with subprocess.Popen(training_command(2, first), stderr=subprocess.DEVNULL) as process:
        log = home / "first.1"
        while not log.exists() or len(log.read_text().splitlines()) < steps // 2:
            assert process.poll() is None
            time.sleep(0.02)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        process.wait()
    second = {**work, "log": str(home / "second")}
    subprocess.run(training_command(1, second), check=True)
    begun = json.loads((home / "end.json").read_text())["begun"]
    times_seen: Counter[str] = Counter()
    reached = 0
    for path in home.glob("*.[01]"):
        for line in path.read_text().splitlines():
            step, *pictures = line.split()
            if path.name.startswith("first"):
                reached = max(reached, int(step) + 1)
            if (int(step) < begun) == path.name.startswith("first"):
                times_seen.update(pictures)
    often = Counter(times_seen.values())
    print(f"killed after step {reached} of {steps}; resumed after step {begun} by one process")
    print(f"pictures by how often steps that count saw them: {dict(often)} of {len(times_seen):,}")
    assert set(times_seen) == {f"0:{n}" for n in range(size["pictures"])}
    assert set(often) == {1}
    return {
        "killed_at": reached,
        "resumed_at": begun,
        "pictures": len(times_seen),
        "often": dict(often),
    }


if __name__ == "__main__":
    run_measurement(__doc__, once)
