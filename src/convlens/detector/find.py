"""Where in a picture a class is: the network slid over it as a convolution, at several scales.

Every window of every scale is answered in one pass per scale. A point's evidence is the mean, over
the scales, of the log-odds of those windows that have it in their middle. The hottest point is a
finding; its box is the mean of the windows about it, weighted by their odds; its probability is the
answer for that box cut out by itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import PictureError, UsageError
from ..parallel import in_order
from ..pictures.background import BACKGROUND
from ..pictures.decode import RGB, decode
from ..pictures.source import Source
from .detector import Detector
from .predict import find_pictures
from .slide import CLIP, Floats, Level, Map, Slider

SMALLEST = 0.2
"""The smallest window's side, as a share of the picture's shorter one."""
SURE = 0.5
"""A box's probability from which on it is a finding."""
OVERLAP = 0.3
"""Boxes that share more than this of their union are about one thing."""
MOST = 20
"""Findings in a picture."""
CELLS = 48
"""Of the heat map, along the picture's longer side."""
REACH = 12
"""Cells around over which evidence is spread to find the middle of where it is equally strong."""
FLAT = 0.3
"""Power of the odds by which windows are weighted."""


class Box(NamedTuple):
    """A rectangle in the picture's own pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """Area of both over area of either, 0 to 1."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        both = max(0.0, across) * max(0.0, down)
        return both / (self.area + other.area - both) if both else 0.0

    def same(self, other: "Box") -> bool:
        """Whether both are about one thing: they overlap, or one's middle lies in the other."""
        return self.overlap(other) > OVERLAP or self._holds(other) or other._holds(self)

    def _holds(self, other: "Box") -> bool:
        across, down = (other.left + other.right) / 2, (other.top + other.bottom) / 2
        return self.left <= across <= self.right and self.top <= down <= self.bottom

    @property
    def area(self) -> float:
        """In pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True)
class Finding:
    """A class in a place. `probability` is the answer for the box cut out by itself."""

    label: str
    box: Box
    probability: float


@dataclass(frozen=True)
class Found:
    """What was found in a picture, and what it cost."""

    name: str
    size: tuple[int, int] = (0, 0)
    """The picture's width and height."""
    _: KW_ONLY
    findings: tuple[Finding, ...] = ()
    heat: dict[str, Map] | None = None
    """Per class sought [rows, columns]: the evidence as a probability, 0 to 1."""
    hottest: tuple[float, float] = (0.0, 0.0)
    """The point with the strongest evidence, across and down, in the picture's pixels."""
    windows: int = 0
    smallest: float = 0.0
    """Shorter side of the smallest window looked at, in pixels."""
    multiplications: int = 0
    cut_out: int = 0
    """Multiplications of cutting all windows out and looking at each by itself."""
    difference: float = 0.0
    """Of the surest window's probability, between sliding and the same pixels cut out."""
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, with boxes in the picture's pixels."""
        heat = {k: np.round(m.astype(np.float64), 3).tolist() for k, m in (self.heat or {}).items()}
        return {
            "width": self.size[0],
            "height": self.size[1],
            "findings": [
                {
                    "label": one.label,
                    "probability": one.probability,
                    "box": {side: round(at, 1) for side, at in one.box._asdict().items()},
                }
                for one in self.findings
            ],
            "hottest": {"x": round(self.hottest[0], 1), "y": round(self.hottest[1], 1)},
            "heat": heat,
            "windows": self.windows,
            "smallest": round(self.smallest, 1),
            "multiplications": self.multiplications,
            "multiplications_cut_out": self.cut_out,
            "difference": self.difference,
        }


class Finder:
    """Slides a detector over pictures. Raises `ConvlensError` where its network cannot slide."""

    def __init__(
        self, detector: Detector, smallest: float = SMALLEST, *, sure: float = SURE
    ) -> None:
        for name, value, least in (("smallest", smallest, 0.02), ("sure", sure, 0.0)):
            if not least <= value <= 1:
                raise UsageError(f"--{name} {value}: it can be {least:g} to 1")
        self.detector = detector
        self.smallest = smallest
        self.sure = sure
        self.slider = Slider(detector)
        self.sought = [k for k, label in enumerate(detector.labels) if label != BACKGROUND]

    @property
    def has_background(self) -> bool:
        """Whether an answer can be "none of them"."""
        return len(self.sought) < len(self.detector.labels)

    def __call__(self, source: Source) -> Found:
        """Decode a picture and look; a picture that cannot be read becomes its error."""
        try:
            return self.look(source.name, decode(source.read()))
        except PictureError as error:
            return Found(source.name, error=str(error))

    def look(self, name: str, image: RGB) -> Found:
        """Where each class is in upright uint8 RGB [height, width, 3]. Raises `PictureError`."""
        height, width = image.shape[:2]
        levels = list(self.slider.levels(image, self.smallest))
        longer = max(height, width)
        rows = (np.arange(max(1, round(CELLS * height / longer))) + 0.5) * longer / CELLS
        columns = (np.arange(max(1, round(CELLS * width / longer))) + 0.5) * longer / CELLS
        evidence = {
            k: np.mean([level.evidence(k, rows, columns=columns) for level in levels], 0)
            for k in self.sought
        }
        windows = sum(prod(level.count) for level in levels)
        peaks = {k: e + 0.01 * _spread(e) for k, e in evidence.items()}
        row, column = _highest(max(peaks.values(), key=np.max))
        findings, looked = self._findings(image, levels, evidence=peaks, rows=rows, columns=columns)
        one = self.slider.multiplications(1, 1)
        passes = sum(self.slider.multiplications(*level.count) for level in levels)
        return Found(
            name,
            (width, height),
            findings=tuple(findings),
            heat={
                self.detector.labels[k]: (1 / (1 + np.exp(-e))).astype(np.float32)
                for k, e in evidence.items()
            },
            hottest=(float(columns[column]), float(rows[row])),
            windows=windows,
            smallest=min(min(level.side) for level in levels),
            multiplications=passes + looked * one,
            cut_out=windows * one,
            difference=self.slider.difference(image, levels, sought=self.sought),
        )

    def _findings(
        self,
        image: RGB,
        levels: list[Level],
        *,
        evidence: dict[int, Floats],
        rows: Floats,
        columns: Floats,
    ) -> tuple[list[Finding], int]:
        """From the hottest on until one is not sure, and how many boxes were looked at."""
        found: list[Finding] = []
        left = {k: e.copy() for k, e in evidence.items()}
        looked = 0
        while len(found) < MOST:
            place = max(left, key=lambda k: float(left[k].max()))
            heat = left[place]
            row, column = _highest(heat)
            if heat[row, column] <= -CLIP:
                break
            box = _vote(
                levels,
                place,
                row=float(rows[row]),
                column=float(columns[column]),
                shape=image.shape,
            )
            if not any(box.same(one.box) for one in found):
                looked += 1
                probabilities = self.detector.probabilities(_cut(image, box))
                best = max(self.sought, key=lambda k: float(probabilities[k]))
                if probabilities[best] < self.sure:
                    break
                label = self.detector.labels[best]
                found.append(Finding(label, box, float(probabilities[best])))
            down = (rows >= box.top) & (rows <= box.bottom)
            across = (columns >= box.left) & (columns <= box.right)
            for other in left.values():
                other[np.ix_(down, across)] = other[row, column] = -CLIP
        return found, looked


def _highest(heat: Floats) -> tuple[int, int]:
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    return int(row), int(column)


def _spread(heat: Floats) -> Floats:
    """Each cell's mean over a neighbourhood, near ones counting more: what lies within leads.

    Outside of the picture there is nothing.
    """
    weights = np.convolve(np.ones(REACH), np.ones(REACH)) / REACH**2
    for axis in (0, 1):
        edges = [(0, 0), (0, 0)]
        edges[axis] = (REACH - 1, REACH - 1)
        around = np.pad(heat, edges, constant_values=-CLIP)
        heat = np.apply_along_axis(np.convolve, axis, around, weights, "valid")
    return heat


def _vote(
    levels: list[Level], place: int, *, row: float, column: float, shape: tuple[int, ...]
) -> Box:
    """The mean of the windows about a point, weighted by their odds."""
    about = [level.about(place, row, column=column) for level in levels]
    boxes = np.concatenate([found[0] for found in about])
    odds = np.concatenate([found[1] for found in about])
    weights = np.exp(FLAT * odds)
    left, top, right, bottom = (weights @ boxes / weights.sum()).tolist()
    return Box(max(0.0, left), max(0.0, top), min(shape[1], right), min(shape[0], bottom))


def _cut(image: RGB, box: Box) -> RGB:
    """The pixels in a box, one at least."""
    left, top = (
        min(round(at), side - 1) for at, side in zip(box, image.shape[1::-1], strict=False)
    )
    right, bottom = max(left + 1, round(box.right)), max(top + 1, round(box.bottom))
    return np.ascontiguousarray(image[top:bottom, left:right])


def find(
    detector: str | Path | Detector,
    paths: str | Path | Iterable[str | Path],
    *,
    smallest: float = SMALLEST,
    sure: float = SURE,
) -> Iterator[Found]:
    """Where the detector's classes are in pictures, one by one, in order.

    `paths` is a file, folder or pattern, or several. `smallest` is the smallest window's side as a
    share of the picture's shorter one, `sure` the probability from which on a box is a finding.
    Raises `ConvlensError` where the detector cannot be read or cannot slide.
    """
    detector = detector if isinstance(detector, Detector) else Detector(detector)
    several = [paths] if isinstance(paths, str | Path) else paths
    return in_order(Finder(detector, smallest, sure=sure), find_pictures(several))
