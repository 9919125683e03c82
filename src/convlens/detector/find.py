"""Where in a picture a class is: the network slid over it as a convolution, at several scales.

Every window of every scale is answered in one pass per scale. A point's heat is the mean, over the
scales, of the log-odds of those windows that have it in their middle. The hottest point is a
finding; its box is the mean of the windows over it, weighted by their odds; its probability is the
answer for that box cut out by itself.
"""

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ..errors import PictureError, UsageError
from ..pictures.boxes.box import Box
from ..pictures.crops.background import BACKGROUND
from ..pictures.decode import RGB
from ..pictures.source import Source
from .inputs import pixels_of
from .localization import MIN_PROBABILITY, SMALLEST_WINDOW, Finding, Localization
from .predictor import Predictor
from .slide import CLIP, Floats, Level, Slider

if TYPE_CHECKING:
    from .find_boxes import BoxFinder

MAX_FINDINGS = 20
"""Findings in a picture."""
HEAT_CELLS = 48
"""Of the heat map, along the picture's longer side."""
SMOOTHING_CELLS = 12
"""Cells around over which heat is smoothed to find the middle of where it is equally strong."""
VOTE_POWER = 0.3
"""Power of the odds by which windows are weighted."""


def finder_of(
    detector: Predictor, smallest: float | None = None, *, min_probability: float | None = None
) -> "Finder | BoxFinder":
    """What finds with a detector: by sliding it, or by asking one that learnt boxes.

    Raises `ConvlensError` where it can do neither, `UsageError` where an option is not for it.
    """
    if detector.metadata.get("task") != "boxes":
        return Finder(
            detector,
            SMALLEST_WINDOW if smallest is None else smallest,
            min_probability=MIN_PROBABILITY if min_probability is None else min_probability,
        )
    from .find_boxes import BoxFinder

    if smallest is not None:
        raise UsageError("--smallest is of sliding windows, and this detector learnt boxes")
    return BoxFinder(detector, min_probability=min_probability)


class Finder:
    """Slides a detector over pictures. Raises `ConvlensError` where its network cannot slide."""

    def __init__(
        self,
        detector: Predictor,
        smallest: float = SMALLEST_WINDOW,
        *,
        min_probability: float = MIN_PROBABILITY,
    ) -> None:
        for option, value, lowest in (
            ("smallest", smallest, 0.02),
            ("sure", min_probability, 0.0),
        ):
            if not lowest <= value <= 1:
                raise UsageError(f"--{option} {value}: it can be {lowest:g} to 1")
        self.detector = detector
        self.smallest = smallest
        self.min_probability = min_probability
        self.slider = Slider(detector)
        self.foreground = [k for k, label in enumerate(detector.labels) if label != BACKGROUND]
        """Indices of the classes to look for."""

    @property
    def has_background(self) -> bool:
        """Whether an answer can be "none of them"."""
        return len(self.foreground) < len(self.detector.labels)

    def __call__(self, source: Source) -> Localization:
        """Decode a picture and search it; a picture that cannot be read becomes its error."""
        try:
            return self.find(source.name, pixels_of(source))
        except PictureError as error:
            return Localization(source.name, error=str(error))

    def find(self, name: str, image: RGB) -> Localization:
        """Where each class is in upright uint8 RGB [height, width, 3]. Raises `PictureError`."""
        height, width = image.shape[:2]
        levels = list(self.slider.levels(image, self.smallest))
        rows, columns = _grid(height, width)
        heat = {
            k: np.mean([level.mean_log_odds(k, rows, columns=columns) for level in levels], 0)
            for k in self.foreground
        }
        peaks = {k: odds + 0.01 * _smoothed(odds) for k, odds in heat.items()}
        row, column = _highest(max(peaks.values(), key=np.max))
        findings, cut_outs = self._findings(
            image, levels, log_odds=peaks, rows=rows, columns=columns
        )
        windows = sum(prod(level.count) for level in levels)
        of_one = self.slider.multiplications(1, 1)
        of_passes = sum(self.slider.multiplications(*level.count) for level in levels)
        return Localization(
            name,
            (width, height),
            findings=tuple(findings),
            heat={
                self.detector.labels[k]: (1 / (1 + np.exp(-odds))).astype(np.float32)
                for k, odds in heat.items()
            },
            hottest=(float(columns[column]), float(rows[row])),
            windows=windows,
            smallest=min(min(level.side) for level in levels),
            multiplications=of_passes + cut_outs * of_one,
            multiplications_cut_out=windows * of_one,
            difference=self.slider.difference(image, levels, classes=self.foreground),
        )

    def _findings(
        self,
        image: RGB,
        levels: list[Level],
        *,
        log_odds: dict[int, Floats],
        rows: Floats,
        columns: Floats,
    ) -> tuple[list[Finding], int]:
        """From the hottest on until one is not sure, and how many boxes were cut out."""
        findings: list[Finding] = []
        left = {k: odds.copy() for k, odds in log_odds.items()}
        cut_outs = 0
        while len(findings) < MAX_FINDINGS:
            hottest = max(left, key=lambda k: float(left[k].max()))
            row, column = _highest(left[hottest])
            if left[hottest][row, column] <= -CLIP:
                break
            y, x = float(rows[row]), float(columns[column])
            box = _vote(levels, hottest, row=y, column=x, shape=image.shape)
            if not any(box.same(finding.box) for finding in findings):
                cut_outs += 1
                probabilities = self.detector.probabilities(_cut(image, box))
                best = max(self.foreground, key=lambda k: float(probabilities[k]))
                if probabilities[best] < self.min_probability:
                    break
                label = self.detector.labels[best]
                findings.append(Finding(label, box, float(probabilities[best])))
            in_rows = (rows >= box.top) & (rows <= box.bottom)
            in_columns = (columns >= box.left) & (columns <= box.right)
            for odds in left.values():
                odds[np.ix_(in_rows, in_columns)] = odds[row, column] = -CLIP
        return findings, cut_outs


def _grid(height: int, width: int) -> tuple[Floats, Floats]:
    """The middles of the heat map's rows and columns, in the picture's pixels."""
    longer = max(height, width)
    rows, columns = (
        (np.arange(max(1, round(HEAT_CELLS * side / longer))) + 0.5) * longer / HEAT_CELLS
        for side in (height, width)
    )
    return rows, columns


def _highest(heat: Floats) -> tuple[int, int]:
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    return int(row), int(column)


def _smoothed(heat: Floats) -> Floats:
    """Each cell's mean over a neighbourhood, near ones counting more: what lies within leads.

    Outside of the picture there is nothing.
    """
    weights = np.convolve(np.ones(SMOOTHING_CELLS), np.ones(SMOOTHING_CELLS)) / SMOOTHING_CELLS**2
    for axis in (0, 1):
        edges = [(0, 0), (0, 0)]
        edges[axis] = (SMOOTHING_CELLS - 1, SMOOTHING_CELLS - 1)
        padded = np.pad(heat, edges, constant_values=-CLIP)
        heat = np.apply_along_axis(np.convolve, axis, padded, weights, "valid")
    return heat


def _vote(
    levels: list[Level], class_index: int, *, row: float, column: float, shape: tuple[int, ...]
) -> Box:
    """The mean of the windows over a point, weighted by their odds."""
    windows = [level.windows_over(class_index, row, column=column) for level in levels]
    boxes = np.concatenate([boxes for boxes, _ in windows])
    weights = np.exp(VOTE_POWER * np.concatenate([odds for _, odds in windows]))
    left, top, right, bottom = (weights @ boxes / weights.sum()).tolist()
    return Box(max(0.0, left), max(0.0, top), min(shape[1], right), min(shape[0], bottom))


def _cut(image: RGB, box: Box) -> RGB:
    """The pixels in a box, one at least."""
    left, top = (
        min(round(at), side - 1) for at, side in zip(box, image.shape[1::-1], strict=False)
    )
    right, bottom = max(left + 1, round(box.right)), max(top + 1, round(box.bottom))
    return np.ascontiguousarray(image[top:bottom, left:right])
