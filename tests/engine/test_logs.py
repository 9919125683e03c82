"""Measurements for TensorBoard and MLflow, read again by their own readers."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from convlens import train
from convlens.engine.callbacks import NullCallback
from convlens.engine.checkpoint import Checkpoint, write_checkpoint
from convlens.engine.logs import MlflowLog
from convlens.errors import ConvlensError, UsageError
from convlens.options import options_from
from convlens.training.train import resume
from helpers import SMALL, package, save_shapes


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database for MLflow, which needs no server."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri := f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    return uri


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows."""
    reader = package("tensorboard.backend.event_processing.event_accumulator")
    events = reader.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {
        tag: [(one.step, one.value) for one in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


@pytest.mark.trains
def test_both_hold_what_was_measured_once_though_the_run_was_stopped(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(folder: Path, state: Checkpoint) -> None:
        if state.progress.step:
            raise KeyboardInterrupt  # between the measurement and its checkpoint
        write_checkpoint(folder, state)

    client = package("mlflow").MlflowClient(store)
    pictures, folder = save_shapes(tmp_path / "pictures", 20), tmp_path / "run"
    monkeypatch.setattr("convlens.engine.checkpoint.write_checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        train(pictures, folder, epochs=4, log="tensorboard,mlflow", **SMALL)
    monkeypatch.setattr("convlens.engine.checkpoint.write_checkpoint", write_checkpoint)
    done = resume(folder)
    lines = (folder / "events.jsonl").read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    measured = {one["step"]: one["cost_val"] for one in events if one["event"] == "measure"}
    assert len(measured) > 1
    assert sum(one["event"] == "measure" for one in events) > len(measured)  # the first one twice
    test = done.metrics["test"]
    shown = scalars(folder)
    assert [step for step, _ in shown["J/val"]] == list(measured)
    assert dict(shown["J/val"]) == pytest.approx(measured)
    assert [value for _, value in shown["test/accuracy"]] == pytest.approx([test["accuracy"]])
    (run,) = client.search_runs([client.get_experiment_by_name("convlens").experiment_id])
    history = client.get_metric_history(run.info.run_id, "J/val")
    assert {one.step: one.value for one in history} == pytest.approx(measured)
    assert len(history) == len(measured)
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == "4"
    assert run.data.metrics["test/accuracy"] == test["accuracy"]
    low, high = test["accuracy_interval"]
    assert run.data.metrics["test/accuracy_interval_low"] == low
    assert run.data.metrics["test/accuracy_interval_high"] == high


def test_a_new_training_in_an_old_place_is_another_run(tmp_path: Path, store: str) -> None:
    client = package("mlflow").MlflowClient(store)
    for value in (0.81, 0.93):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        (tmp_path / "run").mkdir()
        for step in (0, 1):  # which goes on
            log = MlflowLog(tmp_path / "run", options_from({}), tell=NullCallback())
            log.write({"test/accuracy": value}, step)
    experiment = client.get_experiment_by_name("convlens").experiment_id
    runs = client.search_runs([experiment])
    assert sorted(run.data.metrics["test/accuracy"] for run in runs) == [0.81, 0.93]


def test_a_log_that_cannot_be_written_is_told_before_any_picture_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="--log wandb: it can be tensorboard, mlflow"):
        options_from({"log": "wandb"})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("tensorboard", "mlflow"):
        with pytest.raises(
            ConvlensError, match=rf"--log {name} needs {name}, which .*'convlens\[{name}\]'"
        ):
            train(tmp_path, tmp_path / "run", log=name)
    monkeypatch.undo()
    package("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(ConvlensError, match="--log mlflow: MLFLOW_TRACKING_URI cannot be used"):
        train(tmp_path, tmp_path / "run", log="mlflow")
    assert not (tmp_path / "run").exists()


def test_a_log_that_fails_on_the_way_is_said_once_and_training_goes_on(tmp_path: Path) -> None:
    from convlens.engine.logs import ScalarLog
    from convlens.engine.measurement import Measurement

    class Failing(ScalarLog):
        def write(self, values: Any, step: int) -> None:
            raise OSError("the disk\nis full")

        def close(self) -> None:
            raise AssertionError

    class Heard(NullCallback):
        warnings: list[str] = []  # noqa: RUF012

        def warn(self, text: str) -> None:
            self.warnings.append(text)

    log = Failing(tmp_path, options_from({}), tell=Heard())
    measurement = Measurement(
        1,
        1.0,
        cost_train=None,
        cost_val=0.5,
        accuracy_val=0.5,
        learning_rate=0.1,
        pictures_per_second=9.0,
        seconds=1.0,
        best=True,
    )
    log.measure(measurement)
    log.measure(measurement)
    log.results({"test": None, "training": {"steps": 1}})
    assert Heard.warnings == ["Failing is not written any more: the disk is full"]
