"""A detector slid over a picture as a convolution: every window of every scale in a few passes."""

import json
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..errors import ConvlensError
from ..pictures.decode import RGB
from ..pictures.resize import Resizer
from .predictor import Predictor

STEP = 2**0.5
"""From one scale to the next."""
MIDDLE = 0.5
"""The part of a window's side that counts as its middle."""
PIXELS = 12_000_000
"""Most that one pass takes; finer scales, which would need more, are left out."""
CLIP = 8.0
"""Greatest log-odds of a window that count: beyond, networks exaggerate."""

Floats32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """One pass: answers of all windows at one scale."""

    logits: Floats32
    """[K, down, across]"""
    sizes: tuple[int, int]
    """Height and width that the picture was squashed to."""
    _: KW_ONLY
    tops: Floats
    lefts: Floats
    """Of the windows, in the picture's pixels: [down], [across]."""
    side: tuple[float, float]
    """A window's height and width, in the picture's pixels."""

    @property
    def count(self) -> tuple[int, int]:
        """Windows down and across."""
        return self.logits.shape[1], self.logits.shape[2]

    @cached_property
    def probabilities(self) -> Floats32:
        """[K, down, across]"""
        powers = np.exp(self.logits - self.logits.max(0))
        out: Floats32 = powers / powers.sum(0)
        return out

    def log_odds(self, class_index: int) -> Floats:
        """Log-odds of a class [down, across], clipped."""
        others = np.delete(self.logits, class_index, 0).astype(np.float64)
        odds: Floats = self.logits[class_index] - np.logaddexp.reduce(others, 0)
        return np.clip(odds, -CLIP, CLIP)

    def covers(self, points: Floats, axis: int) -> npt.NDArray[np.bool_]:
        """Which windows have which points in their middle, along one axis: [points, windows].

        Beyond the outermost middles the outermost windows have to do, and between middles that lie
        far apart the nearest.
        """
        starts, side = (self.tops, self.lefts)[axis], self.side[axis]
        centres = starts + side / 2
        inner = np.clip(points, centres[0], centres[-1])
        half = (centres[1] - centres[0]) / 2 * (1 + 1e-9) if len(centres) > 1 else 0.0
        reach = max(MIDDLE * side / 2, half)
        covers: npt.NDArray[np.bool_] = np.abs(inner[:, None] - centres) <= reach
        return covers

    def mean_log_odds(self, class_index: int, rows: Floats, *, columns: Floats) -> Floats:
        """Mean log-odds of the windows that have a point in their middle: [rows, columns]."""
        down, across = self.covers(rows, 0), self.covers(columns, 1)
        total = down.astype(np.float64) @ self.log_odds(class_index) @ across.T.astype(np.float64)
        mean: Floats = total / np.outer(down.sum(1), across.sum(1))
        return mean

    def windows_over(self, class_index: int, row: float, *, column: float) -> tuple[Floats, Floats]:
        """Boxes [n, 4] and log-odds [n] of the windows that have one point in their middle."""
        down = np.flatnonzero(self.covers(np.array([row]), 0)[0])
        across = np.flatnonzero(self.covers(np.array([column]), 1)[0])
        tops, lefts = np.meshgrid(self.tops[down], self.lefts[across], indexing="ij")
        corners = (lefts, tops, lefts + self.side[1], tops + self.side[0])
        boxes: Floats = np.stack([corner.ravel() for corner in corners], 1)
        return boxes, self.log_odds(class_index)[np.ix_(down, across)].ravel()


class Slider:
    """Makes the passes. Raises `ConvlensError` where the detector's network cannot slide."""

    def __init__(self, detector: Predictor) -> None:
        self.detector = detector
        try:
            slides = json.loads(detector.metadata["slides"])
            self.side = int(detector.metadata["size"])
            self.stride = int(slides["stride"])
            self.counts: list[list[int]] = slides["multiplications"]
        except KeyError:
            raise ConvlensError(
                f"{detector.path or 'the detector'} cannot slide over a picture: its network has "
                "weights for each position or sees the picture in full, as transformers do, or it "
                "is an exported form for pictures of one size; train one of convolutions, or give "
                "the run's own"
            ) from None

    def levels(self, image: RGB, smallest: float) -> Iterator[Level]:
        """Every scale: the whole picture squashed, then squares from its shorter side on."""
        height, width = image.shape[:2]
        counts, share = {(1, 1): None}, 1.0
        while share >= smallest:
            side = share * min(height, width)
            counts[self._count(height / side), self._count(width / side)] = None
            share /= STEP
        for numbers in counts:
            sizes = tuple(self.side + (count - 1) * self.stride for count in numbers)
            if sizes[0] * sizes[1] > PIXELS:
                continue
            logits = self.detector.window_logits(image, (sizes[0], sizes[1]))
            down, across = logits.shape[1:]
            yield Level(
                logits,
                (sizes[0], sizes[1]),
                tops=np.arange(down) * self.stride * height / sizes[0],
                lefts=np.arange(across) * self.stride * width / sizes[1],
                side=(self.side * height / sizes[0], self.side * width / sizes[1]),
            )

    def multiplications(self, down: int, across: int) -> int:
        """Of one pass over so many windows."""
        (one, two_across), (two_down, four) = self.counts
        i, j = down - 1, across - 1
        more_down, more_across = two_down - one, two_across - one
        both = four - two_down - two_across + one
        return one + i * more_down + j * more_across + i * j * both

    def _count(self, length: float) -> int:
        """Windows along a picture that is as long as so many of them side by side."""
        return max(1, 1 + round((length - 1) * self.side / self.stride))

    def difference(self, image: RGB, levels: list[Level], *, classes: list[int]) -> float:
        """What padding at a window's border, which sliding has not, does to the surest window."""
        several = [level for level in levels if level.count != (1, 1)]
        if not several:
            return 0.0
        level = max(several, key=lambda level: float(level.probabilities[classes].max()))
        best = level.probabilities[classes].max(0)
        row, column = (int(n) for n in np.unravel_index(int(best.argmax()), best.shape))
        pixels = Resizer(level.sizes)(image)
        top, left = row * self.stride, column * self.stride
        alone = self.detector.probabilities(
            np.ascontiguousarray(pixels[top : top + self.side, left : left + self.side])
        )
        return float(np.abs(alone - level.probabilities[:, row, column]).max())
