"""Where objects are, by a detector that learnt boxes: found in one pass."""

from ..errors import PictureError, UsageError
from ..pictures.decode import RGB
from ..pictures.source import Source
from ..tasks.boxes.prediction import BoxPrediction
from ..tasks.boxes.rule import BoxRule
from .inputs import pixels_of
from .localization import Finding, Localization
from .predictor import Predictor


class BoxFinder:
    """Asks a detector of boxes; nothing slides.

    Args:
        detector: One whose task is boxes.
        min_probability: The least score of a finding; by default the detector's rule decides.

    Raises:
        UsageError: The score is none.
    """

    has_background = True
    """It answers with nothing where there is nothing."""

    def __init__(self, detector: Predictor, *, min_probability: float | None = None) -> None:
        if min_probability is not None and not 0 <= min_probability <= 1:
            raise UsageError(f"--sure {min_probability}: it can be 0 to 1")
        self.detector = detector
        rule: BoxRule = detector.rule
        least = rule.thresholds if min_probability is None else None
        self._rule = BoxRule(least or (min_probability or 0.0,) * len(detector.labels))

    def __call__(self, source: Source) -> Localization:
        """Decode a picture and find what is in it; one that cannot be read becomes its error."""
        try:
            return self.find(source.name, pixels_of(source))
        except PictureError as error:
            return Localization(source.name, error=str(error))

    def find(self, name: str, image: RGB) -> Localization:
        """The objects in upright uint8 RGB [height, width, 3]. Raises `PictureError`."""
        height, width = image.shape[:2]
        answer = self.detector.task.predict(
            name, self.detector.outputs(image), classes=self.detector.labels, rule=self._rule
        )
        assert isinstance(answer, BoxPrediction)  # noqa: S101
        findings = tuple(Finding(o.predicted, o.box, o.score) for o in answer.objects)
        return Localization(name, (width, height), findings=findings)
