"""A run, as the caller of a training gets it."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..tasks.answers import Evaluation

if TYPE_CHECKING:
    from ..detector.detector import Detector
    from ..tasks.classification.metrics import Metrics


@dataclass(frozen=True)
class Run:
    """A run: its folder, and what its detector did on the held-out pictures.

    `metrics` is what `metrics.json` holds; `evaluation` has every answer, and is None where nothing
    was held out. A run that was stopped is not `finished`: `resume` goes on with it.
    """

    folder: Path
    metrics: dict[str, Any]
    evaluation: "Evaluation | None"
    finished: bool

    @property
    def detector(self) -> Path:
        """The detector file."""
        return self.folder / "detector.onnx"

    @property
    def test(self) -> "Metrics | None":
        """The metrics on the held-out pictures; None where there are none."""
        return self.evaluation.metrics if self.evaluation is not None else None

    def load(self) -> "Detector":
        """The detector, to predict with. Raises `ConvlensError` where the file is damaged."""
        from ..detector.detector import Detector

        return Detector(self.detector)

    def _repr_html_(self) -> str:
        """For notebooks: the folder, and the metrics as a table."""
        metrics = self.test._repr_html_() if self.test is not None else ""
        return f"<p>{escape(str(self.folder))}</p>{metrics}"
