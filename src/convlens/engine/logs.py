"""Measurements of a run for TensorBoard and MLflow, through their own clients."""

import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConvlensError, require
from ..files import write_whole
from ..options import LogOptions, TrainOptions
from .callbacks import Callback, NullCallback
from .measurement import Measurement

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from torch.utils.tensorboard import SummaryWriter

MEASURED = {
    "cost_train": "J/train",
    "cost_val": "J/val",
    "accuracy_val": "accuracy/val",
    "learning_rate": "learning_rate",
    "pictures_per_second": "pictures_per_second",
}
"""What each part of a measurement is called."""


class Log(NullCallback):
    """What keeps measurements, and in the end what came of the run."""

    def results(self, metrics: Mapping[str, Any]) -> None:
        """The run has ended with what `metrics.json` holds."""


class ScalarLog(Log):
    """Keeps numbers by step. Where that fails it says so, once, and training goes on.

    Args:
        folder: The run's.
        options: Those of the run.
        tell: Who hears of a failure.
    """

    def __init__(self, folder: Path, options: TrainOptions, *, tell: Callback) -> None:
        self.folder, self.options = folder, options
        self._tell, self._failed = tell, False

    @abstractmethod
    def write(self, values: Mapping[str, float], step: int) -> None:
        """Keep numbers; the first ones open what they are kept in. May raise anything."""

    @abstractmethod
    def close(self) -> None:
        """There are no more. May raise anything."""

    def measure(self, measurement: Measurement) -> None:
        """Keep its numbers."""
        numbers = {name: getattr(measurement, part) for part, name in MEASURED.items()}
        self._write({k: v for k, v in numbers.items() if v is not None}, measurement.step)

    def results(self, metrics: Mapping[str, Any]) -> None:
        """Keep the figures on the held-out pictures."""
        figures: dict[str, float] = {}
        for name, value in (metrics["test"] or {}).items():
            if name.endswith("_interval"):
                figures[f"test/{name}_low"], figures[f"test/{name}_high"] = value
            elif isinstance(value, int | float):
                figures[f"test/{name}"] = value
        self._write(figures, metrics["training"]["steps"], last=True)

    def _write(self, values: Mapping[str, float], step: int, *, last: bool = False) -> None:
        if self._failed:
            return
        try:
            self.write(values, step)
            if last:
                self.close()
        except Exception as error:  # of a client: a disk, a database, a server
            self._failed = True
            said = " ".join(str(error).split())[:300]
            self._tell.warn(f"{type(self).__name__} is not written any more: {said}")


class TensorBoardLog(ScalarLog):
    """Event files below `tensorboard` in the run's folder."""

    _writer: "SummaryWriter | None" = None

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Of a run that goes on, numbers of later steps make room."""
        from torch.utils.tensorboard import SummaryWriter

        if self._writer is None:
            self._writer = SummaryWriter(str(self.folder / "tensorboard"), purge_step=step)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()


class MlflowLog(ScalarLog):
    """A run of the experiment that `MLFLOW_EXPERIMENT_NAME` names, or else of `convlens`.

    Its number stays in `mlflow.txt` in the run's folder, by which it is found again when the
    training goes on.
    """

    _client: "MlflowClient"
    _run = ""

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Numbers that are there already are not written twice."""
        if not self._run:
            self._open()
        for name, value in values.items():
            if all(one.step < step for one in self._client.get_metric_history(self._run, name)):
                self._client.log_metric(self._run, name, value, step=step)

    def _open(self) -> None:
        from mlflow.entities import Param

        self._client, experiment = mlflow_experiment()
        kept = self.folder / "mlflow.txt"
        begun = kept.read_text().strip() if kept.exists() else ""
        if begun in {run.info.run_id for run in self._client.search_runs([experiment])}:
            self._run = begun
            self._client.update_run(self._run, "RUNNING")
            return
        home = str(self.folder.resolve())
        run = self._client.create_run(
            experiment, run_name=self.folder.name, tags={"convlens.folder": home}
        )
        self._run = run.info.run_id
        write_whole(kept, self._run + "\n")
        options = [Param(name, str(value)) for name, value in self.options.flat().items()]
        self._client.log_batch(self._run, params=options)

    def close(self) -> None:
        """The run is finished."""
        self._client.set_terminated(self._run)


def mlflow_experiment() -> tuple["MlflowClient", str]:
    """The client, and the experiment that runs belong to. Raises `MlflowException`.

    Addresses and names are in `MLFLOW_TRACKING_URI` and the like, which the client reads.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    from mlflow import MlflowClient

    client, name = MlflowClient(), os.environ.get("MLFLOW_EXPERIMENT_NAME", "convlens")
    known = client.get_experiment_by_name(name)
    return client, known.experiment_id if known else client.create_experiment(name)


LOGS: dict[str, type[ScalarLog]] = {"tensorboard": TensorBoardLog, "mlflow": MlflowLog}


def check_logs(options: LogOptions) -> None:
    """Raise a `ConvlensError` where a log that was asked for cannot be written."""
    for name in options.names():
        require(name, name, what=f"--log {name}")
        if name == "mlflow":
            try:
                mlflow_experiment()
            except Exception as error:  # of its client, or of a database or HTTP library under it
                said = " ".join(str(error).split())[:300]
                raise ConvlensError(
                    f"--log mlflow: MLFLOW_TRACKING_URI cannot be used: {said}"
                ) from error
