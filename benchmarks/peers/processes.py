"""A training as a process of its own: what it reports, its seconds, its memory."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ProcessReport:
    """Seconds of a process and to each of its lines, and the most memory of all its processes."""

    seconds: float = 0.0
    megabytes: float = 0.0
    lines: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """The last one report."""
        return next((line["accuracy"] for _, line in reversed(self.lines)), float("nan"))


def proportional(process: int) -> float:
    """Megabytes of all processes of a session, shared pages counted once."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(stat.read_text().rpartition(")")[2].split()[3])
            if session == process:
                rollup = (stat.parent / "smaps_rollup").read_text()
                total += int(rollup.partition("\nPss:")[2].split()[0])
        except (OSError, ValueError, IndexError):
            continue
    return total / 1000


def run(command: list[str], where: Path) -> ProcessReport:
    """Run a process to its end, in a folder of its own."""
    report = ProcessReport()
    begun = time.perf_counter()
    with (
        (where / "log").open("w") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=where,
            start_new_session=True, env={**os.environ, "CONVLENS_CACHE": str(where / "cache")},
        ) as process,
    ):  # fmt: skip
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.5):
                report.megabytes = max(report.megabytes, proportional(process.pid))

        watching = threading.Thread(target=watch)
        watching.start()
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"epoch"'):
                report.lines.append((time.perf_counter() - begun, json.loads(line)))
        process.wait()
        report.seconds = time.perf_counter() - begun
        ended.set()
        watching.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{(where / 'log').read_text()[-2000:]}")
    return report
