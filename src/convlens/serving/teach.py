"""Teaching in the page: pictures put into classes, trained on by a `convlens train` of its own."""

import contextlib
import csv
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..detector.detector import Detector
from ..errors import ConvlensError
from .concurrency import Problem
from .current_model import Served
from .limits import Limits
from .pictures import pictures_of

MOST_BYTES, MOST_PICTURES, LONGEST_LABEL = 2_000_000_000, 20_000, 100
NEEDED = 10
"""A class needs so many pictures before training may begin."""
MOST_MINUTES = 120.0


class Teaching:
    """Pictures by class in a temporary folder, and the child process that learns from them.

    Labels never become names of files: pictures are numbered, and a table says what they are.
    """

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="convlens-teach-"))
        self.labels: dict[str, list[Path]] = {}
        self.bytes = self.number = 0
        self.child: subprocess.Popen[str] | None = None
        self.run = self.home / "run-0"
        self.runs = 0

    def close(self) -> None:
        """Stop the child and remove everything."""
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def add(self, label: str, pictures: list[bytes]) -> None:
        """More pictures of a class. Raises `Problem` at the limits."""
        if not label or len(label) > LONGEST_LABEL or not label.isprintable():
            raise Problem(
                422, "Not a label", detail=f"a label has 1 to {LONGEST_LABEL} visible letters"
            )
        size = sum(map(len, pictures))
        if self.bytes + size > MOST_BYTES or self.number + len(pictures) > MOST_PICTURES:
            raise Problem(
                413,
                "Too many pictures to teach here",
                detail="use convlens train on a folder: it takes any number",
            )
        for data in pictures:
            path = self.home / f"{self.number}"
            path.write_bytes(data)
            self.labels.setdefault(label, []).append(path)
            self.number += 1
        self.bytes += size

    def forget(self, label: str) -> None:
        """Take a class away."""
        for path in self.labels.pop(label, []):
            self.bytes -= path.stat().st_size
            path.unlink()

    def start(self, minutes: float | None) -> None:
        """Begin to learn. Raises `Problem` where that cannot be."""
        if self.training:
            raise Problem(409, "Training already", detail="stop it first")
        if find_spec("torch") is None:
            raise Problem(501, "Training is not installed", detail="pip install 'convlens[train]'")
        few = [label for label, paths in self.labels.items() if len(paths) < NEEDED]
        if len(self.labels) < 2 or few:
            raise Problem(
                422,
                "Too little to learn from",
                detail=f"two classes or more, each of {NEEDED} pictures or more"
                + (f"; {few[0]!r} has {len(self.labels[few[0]])}" if few else ""),
            )
        if minutes is not None and not 0.05 <= minutes <= MOST_MINUTES:
            raise Problem(422, "Not a time", detail=f"minutes can be 0.05 to {MOST_MINUTES:g}")
        self.runs += 1
        self.run = self.home / f"run-{self.runs}"
        table = self.home / "pictures.csv"
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "label"))
            for label, paths in self.labels.items():
                writer.writerows((path, label) for path in paths)
        command = [sys.executable, "-m", "convlens", "train", str(table), "--out", str(self.run)]
        if minutes is not None:
            command += ["--minutes", str(minutes)]
        self.child = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.DEVNULL, stderr=(self.home / "said").open("w"), text=True
        )

    def stop(self) -> None:
        """Ask the child to end soundly, with the detector that there is."""
        if self.child is not None and self.training:
            self.child.send_signal(signal.SIGINT)

    @property
    def training(self) -> bool:
        """Whether a child is at work."""
        return self.child is not None and self.child.poll() is None

    @property
    def detector(self) -> Path | None:
        """What was learnt, if it is there."""
        path = self.run / "detector.onnx"
        return path if path.exists() and not self.training else None

    def state(self) -> dict[str, Any]:
        """Everything that the page shows."""
        said = ""
        with contextlib.suppress(OSError):
            lines = (self.home / "said").read_text("utf-8", "replace").strip().splitlines()
            said = lines[-1].replace(str(self.home), "")[:300] if lines else ""
        history, metrics = [], {}
        with contextlib.suppress(OSError, ValueError):
            for line in (self.run / "events.jsonl").read_text("utf-8").splitlines():
                event = json.loads(line)
                if event["event"] == "measure":
                    history.append({key: event[key] for key in _SHOWN})
        with contextlib.suppress(OSError, ValueError):
            metrics = json.loads((self.run / "metrics.json").read_text("utf-8"))
        test = metrics.get("test") or {}
        status = "training" if self.training else "done" if self.detector else "idle"
        if self.child is not None and not self.training and self.child.returncode != 0:
            status = "failed"
        return {
            "available": find_spec("torch") is not None,
            "needed": NEEDED,
            "labels": {label: len(paths) for label, paths in self.labels.items()},
            "status": status,
            "said": said,
            "history": history,
            "figures": {key: test[key] for key in ("n", "accuracy", "interval") if key in test},
        }


_SHOWN = ("step", "epoch", "cost_train", "cost_val", "accuracy_val")


def routes(teaching: Teaching, served: Served, *, limits: Limits) -> list[Route]:
    """What the page calls; its own, so it stands in no description."""

    def label_of(request: Request) -> str:
        return request.query_params.get("label", "").strip()

    async def state(_: Request) -> JSONResponse:
        return JSONResponse(teaching.state())

    async def pictures(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            teaching.forget(label_of(request))
        else:
            sent = await pictures_of(request, limits)
            data = [one.data for one in sent if isinstance(one.data, bytes)]
            if len(data) < len(sent):
                raise Problem(
                    415, "Unknown kind of content", detail="pictures to learn from are files"
                )
            teaching.add(label_of(request), data)
        return JSONResponse(teaching.state())

    async def start(request: Request) -> JSONResponse:
        text = request.query_params.get("minutes", "")
        try:
            minutes = float(text) if text else None
        except ValueError:
            raise Problem(422, "Not a time", detail=f"{text!r} is no number of minutes") from None
        teaching.start(minutes)
        return JSONResponse(teaching.state())

    async def stop(_: Request) -> JSONResponse:
        teaching.stop()
        return JSONResponse(teaching.state())

    async def use(_: Request) -> JSONResponse:
        path = teaching.detector
        if path is None:
            raise Problem(404, "Not there", detail="nothing has been learnt yet")
        try:
            served.detector = Detector(path)
        except ConvlensError as error:
            raise Problem(500, "Not a detector", detail=str(error)) from error
        return JSONResponse({"labels": list(served.detector.labels)})

    async def download(_: Request) -> Response:
        path = teaching.detector
        if path is None:
            raise Problem(404, "Not there", detail="nothing has been learnt yet")
        return FileResponse(path, filename="detector.onnx")

    return [
        Route("/teach", state),
        Route("/teach/pictures", pictures, methods=["POST", "DELETE"]),
        Route("/teach/start", start, methods=["POST"]),
        Route("/teach/stop", stop, methods=["POST"]),
        Route("/teach/use", use, methods=["POST"]),
        Route("/teach/detector.onnx", download),
    ]
