"""Where a detector looked: what each part of a picture adds to the log-odds of a class.

Of a network that ends in global pooling and linear layers these are class activation maps (Zhou et
al. 2016), which come with the answer and are exact: their mean is each class's logit. Of any other
file, each part of the picture is hidden in turn, and the log-odds lost by it count (Zeiler & Fergus
2014).
"""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from ..errors import PictureError, UsageError
from ..pictures.decode import RGB
from ..pictures.resize import Resizer
from ..pictures.source import Source
from .inputs import pixels_of
from .predictor import Predictor, Probabilities
from .sessions.session import CLASS_MAPS

PROBABILITIES = "probabilities"
CELLS = 8
"""Parts of a picture, down and across, that are told apart by hiding."""
HIDDEN = 2
"""Cells down and across that are hidden at once."""
PASSES = 1 + (CELLS + HIDDEN - 1) ** 2
"""Answers that hiding takes."""
BLUR = 1 / 8
"""Of what is hidden: the blur's standard deviation, as a share of the picture's side."""
SMALLEST = 1e-30
"""Least probability that counts."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeatMap:
    """What each part of one picture says for a class, or the reason why there is no answer."""

    name: str
    size: tuple[int, int] = (0, 0)
    """The picture's width and height."""
    _: KW_ONLY
    label: str = ""
    """The class."""
    probability: float = 0.0
    evidence: Floats | None = None
    """Log-odds [rows, columns] that each part of the picture adds; below 0 it speaks against."""
    method: str = ""
    """`class activation map` or `occlusion`."""
    error: str | None = None

    @property
    def heat(self) -> Floats:
        """What speaks for the class, of what speaks most for it: [rows, columns], 0 to 1."""
        if self.evidence is None:
            return np.zeros((0, 0))
        heat = np.maximum(self.evidence, 0)
        return heat / max(float(heat.max()), np.finfo(np.float64).tiny)

    def enlarged(self) -> Floats:
        """The heat of every pixel, [height, width], 0 to 1."""
        small = Image.fromarray(self.heat.astype(np.float32))
        return np.asarray(small.resize(self.size, Image.Resampling.BILINEAR), np.float64)

    def as_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "width": self.size[0],
            "height": self.size[1],
            "label": self.label,
            "probability": self.probability,
            "heat": np.round(self.heat, 3).tolist(),
            "method": self.method,
        }


class HeatMapper:
    """Makes heat maps of a detector, of the most probable class or of `label`.

    Raises `UsageError` where the detector has no such class, or tells of boxes.
    """

    def __init__(self, detector: Predictor, label: str | None = None) -> None:
        if detector.task.outputs[0] != PROBABILITIES:
            raise UsageError("a heat map is of a class of the whole picture: these boxes say where")
        if label is not None and label not in detector.labels:
            raise UsageError(f"the detector has no class {label!r}: {', '.join(detector.labels)}")
        self.detector = detector
        self.label = label
        self._session = detector.class_maps

    @property
    def passes(self) -> int:
        """How many answers of the detector one heat map takes."""
        return 1 if self._session else PASSES

    def __call__(self, source: Source) -> HeatMap:
        """Decode a picture and look; a picture that cannot be read becomes its error."""
        try:
            return self.look(source.name, pixels_of(source))
        except PictureError as error:
            return HeatMap(source.name, error=str(error))

    def look(self, name: str, image: RGB) -> HeatMap:
        """What speaks for the class in upright uint8 RGB [height, width, 3].

        Raises `PictureError` where it is something else.
        """
        if self._session:
            probabilities, maps = self._session.run(image, [PROBABILITIES, CLASS_MAPS])
            k = self._class_index(probabilities)
            evidence, method = _log_odds_of_maps(maps, probabilities, k), "class activation map"
        else:
            side = int(self.detector.metadata.get("size", max(image.shape[:2])))
            squashed = Resizer(side)(image)
            probabilities = self.detector.probabilities(squashed)
            k = self._class_index(probabilities)
            evidence, method = self._lost(squashed, _log_odds(probabilities, k), k), "occlusion"
        return HeatMap(
            name,
            (image.shape[1], image.shape[0]),
            label=self.detector.labels[k],
            probability=float(probabilities[k]),
            evidence=evidence,
            method=method,
        )

    def _class_index(self, probabilities: Probabilities) -> int:
        if self.label is not None:
            return self.detector.labels.index(self.label)
        return int(probabilities.argmax())

    def _lost(self, squashed: RGB, whole: float, k: int) -> Floats:
        """Log-odds lost, the mean over the places of what is hidden that cover each cell."""
        hidden = blurred(squashed)
        lost, times = np.zeros((CELLS, CELLS)), np.zeros((CELLS, CELLS))
        edges = np.round(np.linspace(0, len(squashed), CELLS + 1)).astype(int)
        for rows in _places():
            for columns in _places():
                seen = squashed.copy()
                part = np.ix_(
                    range(edges[rows.start], edges[rows.stop]),
                    range(edges[columns.start], edges[columns.stop]),
                )
                seen[part] = hidden[part]
                left = _log_odds(self.detector.probabilities(seen), k)
                lost[rows, columns] += whole - left
                times[rows, columns] += 1
        out: Floats = lost / times
        return out


def blurred(image: RGB) -> RGB:
    """What is put in the place of parts that are hidden: the same picture without detail."""
    radius = BLUR * max(image.shape[:2])
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def _places() -> Iterator[slice]:
    """The cells that are hidden at once, along one axis; at the edges there are fewer."""
    for last in range(1, CELLS + HIDDEN):
        yield slice(max(0, last - HIDDEN), min(CELLS, last))


def _log_odds(probabilities: Probabilities, k: int) -> float:
    """Of a class against all others."""
    others = np.delete(probabilities, k).astype(np.float64).sum()
    return float(np.log(max(float(probabilities[k]), SMALLEST) / max(others, SMALLEST)))


def _log_odds_of_maps(
    maps: npt.NDArray[np.float32], probabilities: Probabilities, k: int
) -> Floats:
    """Class maps [K, h, w] as one of a class against the others, each by its share in them."""
    others = np.delete(probabilities, k).astype(np.float64) + SMALLEST
    against = np.tensordot(others / others.sum(), np.delete(maps, k, 0), 1)
    evidence: Floats = maps[k] - against
    return evidence
