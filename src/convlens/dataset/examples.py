"""Pictures with labels as arrays, and their pixels as the network takes them."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


@dataclass(frozen=True)
class Examples:
    """Labelled pictures to learn from or to measure on, as rows of a store of pixels.

    `pixels` is uint8 [M, S, S, 3]; `rows` [N] are those of the examples in it; `labels` [N] are
    class indices, 0 to `classes` - 1. Examples with the same number in `groups` [N] may not be
    parted; None where each may. `lessons` [N, classes] are a teacher's probabilities.
    """

    pixels: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    _: KW_ONLY
    labels: npt.NDArray[np.int64]
    classes: int
    groups: npt.NDArray[np.int64] | None = None
    lessons: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def images(self, indices: npt.NDArray[np.int64]) -> Tensor:
        """Float pixels, 0 to 1, [N, 3, S, S]: what evaluation sees."""
        return to_float(torch.from_numpy(self.pixels[self.rows[indices]]))

    def targets(self, indices: npt.NDArray[np.int64]) -> Tensor:
        """Class indices [N]."""
        return torch.from_numpy(self.labels[indices])

    def take(self, indices: npt.NDArray[np.int64]) -> "Examples":
        """Some of them, by their indices."""
        groups = None if self.groups is None else self.groups[indices]
        lessons = None if self.lessons is None else self.lessons[indices]
        return Examples(
            self.pixels,
            self.rows[indices],
            labels=self.labels[indices],
            classes=self.classes,
            groups=groups,
            lessons=lessons,
        )

    def moments(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation per channel, of 0 to 1, over at most 2,000 pictures."""
        spread = np.linspace(0, len(self) - 1, min(len(self), 2000)).astype(np.int64)
        counts = np.zeros((3, 256))
        for row in self.rows[spread]:
            for channel in range(3):
                values = self.pixels[row, :, :, channel].ravel()
                counts[channel] += np.bincount(values, minlength=256)
        shares, levels = counts / counts[0].sum(), np.arange(256) / 255
        mean = shares @ levels
        deviation = np.sqrt(np.maximum(shares @ levels**2 - mean**2, 1e-4))
        return mean.tolist(), deviation.tolist()


def to_float(images_NHWC: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] to float 0 to 1 [N, 3, H, W]; the detector file does the same."""
    return images_NHWC.permute(0, 3, 1, 2).float() / 255
