"""Teaching in the page: pictures get classes or boxes, and a detector is trained on them."""

from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from ...files import only_one
from ..problems import Problem
from .boxed_pictures import BoxedPictures
from .labelled_pictures import LabelledPictures
from .teaching_folder import TeachingFolder
from .training_process import TrainingProcess

MIN_PICTURES = 10
"""A class, or boxes, need so many pictures before training may begin."""
MIN_MINUTES, MAX_MINUTES = 0.05, 120.0


class Teaching:
    """The pictures and the latest training, in a folder.

    Args:
        kept: A folder that stays, of this server alone until `close`; None for a temporary one
            that goes with it.

    Raises:
        ConvlensError: The folder is another server's, or cannot be written to, or what lies in it
            cannot be read.
    """

    def __init__(self, kept: Path | None = None) -> None:
        self._held = ExitStack()
        if kept is not None:
            then = "end it, or name another folder with --teach"
            self._held.enter_context(only_one(kept, who="another server is at work", then=then))
        self.folder = TeachingFolder(kept)
        self.pictures = LabelledPictures(self.folder)
        self.boxes = BoxedPictures(self.folder)
        self.training: TrainingProcess | None = None

    def close(self) -> None:
        """End the training and remove what is temporary."""
        if self.training is not None:
            self.training.kill()
        self.folder.remove()
        self._held.close()

    def start(self, minutes: float | None, *, what: str) -> None:
        """Begin to train; `minutes` None lets the training choose its time.

        Raises:
            Problem: A training is running (409), PyTorch is missing (501), or there are too few
                pictures, or a time or thing to teach that cannot be (422).
        """
        self.check_idle()
        if find_spec("torch") is None:
            raise Problem(501, "Training is not installed", detail="pip install 'convlens[train]'")
        if what == "boxes":
            self._check_enough_boxes()
        elif what == "classes":
            self._check_enough_pictures()
        else:
            raise Problem(422, "Not taught here", detail=f"{what!r} is neither classes nor boxes")
        if minutes is not None and not MIN_MINUTES <= minutes <= MAX_MINUTES:
            raise Problem(
                422, "Not a time", detail=f"minutes can be {MIN_MINUTES:g} to {MAX_MINUTES:g}"
            )
        number = 1
        while (run_folder := self.folder.path / f"run-{number}").exists():
            number += 1
        pictures = self.boxes.folder.subfolder("boxes") if what == "boxes" else self.pictures.table
        self.training = TrainingProcess(pictures, run_folder, minutes=minutes)

    def check_idle(self) -> None:
        """Raise `Problem` (409) where a training is running, which reads the pictures."""
        if self.running:
            raise Problem(409, "Training already", detail="stop it first, or wait until it ends")

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

    def _check_enough_boxes(self) -> None:
        looked_at = self.boxes.looked_at()
        boxes = sum(len(picture.boxes or ()) for picture in looked_at)
        if len(looked_at) < MIN_PICTURES or not boxes:
            raise Problem(
                422,
                "Too little to learn from",
                detail=f"{MIN_PICTURES} pictures or more that somebody has looked at, with boxes; "
                f"there are {len(looked_at)}, with {boxes}",
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
                for name in ("n", "accuracy", "accuracy_interval", "AP50")
                if name in metrics
            },
        }
