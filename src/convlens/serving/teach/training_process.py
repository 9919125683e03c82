"""A `convlens train` in a process of its own, and what can be read of it while it runs."""

import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

MEASURES = ("step", "epoch", "cost_train", "cost_val", "accuracy_val")
"""Of each measurement during training, what the page draws."""

_STOP: int = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT)
_OWN_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""On Windows only Ctrl-Break can be sent, and only to a group of processes."""


class TrainingProcess:
    """Trains on pictures.

    Args:
        pictures: A CSV file of paths and labels, or a folder of pictures with boxes.
        run_folder: Where the run is written; it does not exist yet.
        minutes: The budget; None lets the training choose.
    """

    def __init__(self, pictures: Path, run_folder: Path, *, minutes: float | None) -> None:
        self.run_folder = run_folder
        self._stderr = run_folder.with_suffix(".stderr")
        self._stopping = False
        command = [sys.executable, "-P", "-m", "convlens", "train", str(pictures)]
        command += ["--out", str(run_folder)]
        if minutes is not None:
            command += ["--minutes", str(minutes)]
        with self._stderr.open("w") as stderr:
            self._process = subprocess.Popen(  # noqa: S603
                command, stdout=subprocess.DEVNULL, stderr=stderr, creationflags=_OWN_GROUP
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def failed(self) -> bool:
        """Whether it has ended with an error."""
        return self._process.poll() not in {None, 0}

    def stop(self) -> None:
        """Ask it to end soundly, with the detector that there is."""
        if self.running and not self._stopping:  # a second time would end it at once
            self._stopping = True
            self._process.send_signal(_STOP)

    def kill(self) -> None:
        """End it at once, whatever is lost."""
        if self.running:
            self._process.kill()
            self._process.wait()

    def detector_file(self) -> Path | None:
        """The detector, once the training has ended with one."""
        path = self.run_folder / "detector.onnx"
        return path if path.exists() and not self.running else None

    def last_message(self) -> str:
        """The last line that it wrote about its progress, without the folder's path."""
        with contextlib.suppress(OSError):
            lines = self._stderr.read_text("utf-8", "replace").strip().splitlines()
            if lines:
                return lines[-1].replace(str(self.run_folder.parent), "")[:300]
        return ""

    def history(self) -> list[dict[str, float | None]]:
        """The measurements so far, each with the values named in `MEASURES`."""
        measurements = []
        with contextlib.suppress(OSError, ValueError):
            for line in (self.run_folder / "events.jsonl").read_text("utf-8").splitlines():
                event = json.loads(line)
                if event["event"] == "measure":
                    measurements.append({name: event[name] for name in MEASURES})
        return measurements

    def test_metrics(self) -> dict[str, Any]:
        """The metrics on test pictures; empty until they are there."""
        with contextlib.suppress(OSError, ValueError):
            metrics = json.loads((self.run_folder / "metrics.json").read_text("utf-8"))
            return metrics.get("test") or {}
        return {}
