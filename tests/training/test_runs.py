"""A run's folder: stopped and gone on with, repeated, begun from, and one run at a time in it."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from convlens import train
from convlens.engine.distributed import Workers
from convlens.training.train import resume
from helpers import SMALL, Convlens, assert_clear, flags, killed_where_it_fails
from loops import stop_at_once

pytestmark = pytest.mark.trains


def wait_for(path: Path, events: int, process: subprocess.Popen[str]) -> None:
    while not path.exists() or len(path.read_text().splitlines()) < events:
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.05)


LONG = {**SMALL, "epochs": 40, "threads": 1}


@pytest.fixture(scope="module")
def whole(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody stopped."""
    return train(shapes, tmp_path_factory.mktemp("whole") / "run", **LONG).folder


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_and_resumed_is_the_same_detector(
    convlens: Convlens, whole: Path, shapes: Path, tmp_path: Path, how: int
) -> None:
    """Ctrl-C ends soundly with a detector; after it, or a kill, --resume ends in the same bytes."""
    words: Sequence[object] = ("train", shapes, "--out", tmp_path / "cut", *flags(**LONG))
    command = [sys.executable, "-m", "convlens", *map(str, words)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(tmp_path / "cut" / "events.jsonl", 8, process)
    process.send_signal(how)
    _, said = process.communicate()
    detector = tmp_path / "cut" / "detector.onnx"
    if how == signal.SIGINT:
        assert process.returncode == 0, said
        assert "--resume" in said
        assert convlens("evaluate", detector, shapes).returncode == 0
        metrics = json.loads((tmp_path / "cut" / "metrics.json").read_text())
        assert metrics["training"]["steps"] < metrics["training"]["steps_planned"]
    else:
        assert not detector.exists()
    done = convlens("train", "--resume", tmp_path / "cut")
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stderr
    assert re.search(r"^time     [\d,.]+ s: \w+ [\d,.]+, .*other [\d,.]+$", done.stdout, re.M)
    for name in ("detector.onnx", "card.md"):
        assert (tmp_path / "cut" / name).read_bytes() == (whole / name).read_bytes()


def test_resume_refuses_other_pictures(convlens: Convlens, shapes: Path, tmp_path: Path) -> None:
    shutil.copytree(shapes, tmp_path / "p")
    done = convlens(
        "train", tmp_path / "p", "--out", tmp_path / "r", *flags(**{**SMALL, "epochs": 2})
    )
    assert done.returncode == 0, done.stderr
    next((tmp_path / "p" / "disc").iterdir()).unlink()
    assert_clear(convlens("train", "--resume", tmp_path / "r"), 1, "not those that this run began")


def test_the_reports_command_repeats_the_run(convlens: Convlens, run: Path, tmp_path: Path) -> None:
    import html
    import shlex

    page = (run / "report.html").read_text()
    found = re.search(r"<pre>(convlens train .*?)</pre>", page, re.DOTALL)
    assert found
    words = shlex.split(html.unescape(found[1]))[1:]
    done = convlens(*words, "--out", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    for name in ("detector.onnx", "card.md"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()


def test_parameters_of_a_run_can_begin_another(
    convlens: Convlens, run: Path, shapes: Path, tmp_path: Path
) -> None:
    weights = run / "parameters.safetensors"
    options = {**SMALL, "epochs": 1, "learning_rate": 1e-9}
    done = convlens(
        "train", shapes, "--out", tmp_path / "r", "--weights", weights, *flags(**options)
    )
    assert done.returncode == 0, done.stderr
    before, after = load_file(weights), load_file(tmp_path / "r" / "parameters.safetensors")
    for name, value in before.items():
        if "running" not in name and value.ndim:  # statistics are measured, not learnt
            assert np.allclose(value, after[name], atol=1e-5), name
    other = {**options, "network": "dense 3"}
    done = convlens("train", shapes, "--out", tmp_path / "s", "--weights", weights, *flags(**other))
    assert_clear(done, 1, "does not fit the network 'dense 3'")


def test_two_runs_into_one_folder_are_refused(
    convlens: Convlens, shapes: Path, tmp_path: Path
) -> None:
    line = "conv 6 3x3, pool 2, dense 8"
    command = [sys.executable, "-m", "convlens", "train", str(shapes), "--size", "24"]
    command += ["--network", line, "--out", str(tmp_path / "r"), "--compute", "float32"]
    command += ["--epochs", "100000"]
    with (
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as first,
        killed_where_it_fails(first),
    ):
        while not (tmp_path / "r" / "events.jsonl").exists():  # by then its plan is written
            assert first.poll() is None
            time.sleep(0.1)
        second = convlens("train", "--resume", tmp_path / "r")
        assert_clear(second, 1, "another run is at work")
        first.kill()
    # the lock went with the process: what it left can be gone on with
    run = resume(tmp_path / "r", callback=stop_at_once())
    assert run.metrics["training"]["steps"] > 0


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(
    shapes: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "r"
    assert not train(shapes, folder, callback=stop_at_once(), **{**SMALL, "epochs": 3}).finished
    for file in (folder / "checkpoint").iterdir():
        file.unlink()
    assert resume(folder).finished


def test_only_the_first_worker_needs_the_runs_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AskedError(Exception):
        """The first one is asked."""

    class Second(Workers):
        """Hears what the first one has read."""

        def broadcast(self, decide: Any) -> Any:
            raise AskedError

    monkeypatch.setattr(
        "convlens.training.train.init_distributed", lambda: nullcontext(Second(1, 2))
    )
    with pytest.raises(AskedError):
        resume(tmp_path / "nowhere")


def test_a_folder_of_a_run_that_never_began_can_be_used(shapes: Path, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / ".lock").touch()
    (tmp_path / "r" / ".run.json.123.partial").write_text("{")
    run = train(shapes, tmp_path / "r", network="dense 4", size=16, steps=1, compute="float32")
    assert run.finished
