"""Teaching in the page: pictures are put into classes, and a detector is trained on them."""

from importlib.util import find_spec
from pathlib import Path

from ..problems import Problem
from .labelled_pictures import LabelledPictures
from .temporary_folder import TemporaryFolder
from .training_process import TrainingProcess

MIN_PICTURES = 10
"""A class needs so many pictures before training may begin."""
MIN_MINUTES, MAX_MINUTES = 0.05, 120.0


class Teaching:
    """The pictures and the latest training, in a temporary folder that goes with `close`."""

    def __init__(self) -> None:
        self.folder = TemporaryFolder()
        self.pictures = LabelledPictures(self.folder)
        self.training: TrainingProcess | None = None
        self._trainings = 0

    def close(self) -> None:
        """End the training and remove everything."""
        if self.training is not None:
            self.training.kill()
        self.folder.remove()

    def start(self, minutes: float | None) -> None:
        """Begin to train; None lets the training choose its time.

        Raises:
            Problem: A training is running (409), PyTorch is missing (501), or there are too few
                pictures or a time that cannot be (422).
        """
        if self.running:
            raise Problem(409, "Training already", detail="stop it first")
        if find_spec("torch") is None:
            raise Problem(501, "Training is not installed", detail="pip install 'convlens[train]'")
        self._check_enough_pictures()
        if minutes is not None and not MIN_MINUTES <= minutes <= MAX_MINUTES:
            raise Problem(
                422, "Not a time", detail=f"minutes can be {MIN_MINUTES:g} to {MAX_MINUTES:g}"
            )
        self._trainings += 1
        table = self.folder.path / "pictures.csv"
        self.pictures.write_table(table)
        run_folder = self.folder.path / f"run-{self._trainings}"
        self.training = TrainingProcess(table, run_folder, minutes=minutes)

    def _check_enough_pictures(self) -> None:
        counts = self.pictures.counts()
        small = [label for label, count in counts.items() if count < MIN_PICTURES]
        if len(counts) < 2 or small:
            raise Problem(
                422,
                "Too little to learn from",
                detail=f"two classes or more, each of {MIN_PICTURES} pictures or more"
                + (f"; {small[0]!r} has {counts[small[0]]}" if small else ""),
            )

    def stop(self) -> None:
        """Ask the training to end soundly, with the detector that there is."""
        if self.training is not None:
            self.training.stop()

    @property
    def running(self) -> bool:
        """Whether a training is at work."""
        return self.training is not None and self.training.running

    def detector_file(self) -> Path | None:
        """The detector of the latest training, if it has ended with one."""
        return self.training.detector_file() if self.training else None

    def status(self) -> str:
        """One of idle, training, failed and done."""
        if self.training is None:
            return "idle"
        if self.training.running:
            return "training"
        if self.training.failed:
            return "failed"
        return "done" if self.training.detector_file() else "idle"

    def state(self) -> dict[str, object]:
        """Everything that the page shows."""
        training = self.training
        metrics = training.test_metrics() if training else {}
        return {
            "available": find_spec("torch") is not None,
            "needed": MIN_PICTURES,
            "labels": self.pictures.counts(),
            "status": self.status(),
            "said": training.last_message() if training else "",
            "history": training.history() if training else [],
            "metrics": {
                name: metrics[name]
                for name in ("n", "accuracy", "accuracy_interval")
                if name in metrics
            },
        }
