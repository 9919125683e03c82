"""Pictures with boxes as arrays, and the micro-batches of each step."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...dataset.batches import Order, Parts
from ...dataset.examples import to_float
from ...tasks.boxes.matching import overlaps
from .augment import BoxAugment
from .cost import NOTHING
from .network import MICRO_BATCH

APART = 0.99
"""Of so many objects the overlap with others decides how far answers may overlap."""


@dataclass(frozen=True)
class BoxExamples:
    """Pictures on a canvas, and their objects, to learn from or to measure on.

    `pixels` is uint8 [M, H, W, 3], and `rows` [N] are those of the examples in it; `labels`
    [N, G, 5] are as `BoxCost` takes them, in pixels of the canvas; `fitted` [N, 2] are the height
    and width that each picture has on it.
    """

    pixels: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    _: KW_ONLY
    labels: npt.NDArray[np.float32]
    fitted: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def images(self, indices: npt.NDArray[np.int64]) -> Tensor:
        """Float pixels, 0 to 1, [N, 3, H, W]."""
        return to_float(torch.from_numpy(self.pixels[self.rows[indices]]))

    def usual_sides(self, count: int) -> tuple[float, ...]:
        """So many sides of objects, small to large, in pixels of the canvas.

        They are the middles of as many equal parts of all objects, each as the side of a square of
        the same area.
        """
        objects = self.labels[self.labels[..., 4] != NOTHING].astype(np.float64)
        sides = np.sqrt((objects[:, 2:4] - objects[:, :2]).prod(1))
        middles = (np.arange(count) + 0.5) / count
        return tuple(np.quantile(sides, middles).clip(min=1.0).tolist())

    def usual_overlap(self) -> float:
        """The most by which an object overlaps another of its class, for 99 of 100 objects."""
        most = [0.0]
        for row in self.labels.astype(np.float64):
            objects = row[row[:, 4] != NOTHING]
            shares = overlaps(objects[:, :4], objects[:, :4])
            shares *= objects[:, 4:] == objects[:, 4]
            np.fill_diagonal(shares, 0.0)
            most += shares.max(1, initial=0.0).tolist()
        return float(np.quantile(most, APART))


def padded_labels(objects: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Objects [n, 5] of each picture as labels [N, G, 5], one place at least for each."""
    most = max([1, *map(len, objects)])
    labels = np.full((len(objects), most, 5), NOTHING, np.float32)
    for row, own in enumerate(objects):
        labels[row, : len(own)] = own
    return labels


class BoxBatches:
    """Gives the micro-batches of a step, varied."""

    micro_batch = MICRO_BATCH

    def __init__(self, examples: BoxExamples, order: Order, *, augment: BoxAugment) -> None:
        self.examples = examples
        self.order = order
        self.augment = augment
        self._parts = Parts(order, augment.table, micro_batch=self.micro_batch)

    @property
    def micro_batch_count(self) -> int:
        """How many micro-batches a step's pictures are computed in."""
        return self._parts.count

    def micro_batches(
        self,
        step: int,
        side: int,
        *,
        encode: Callable[[Tensor], Tensor],
        mixed: float = 1.0,
        numbers: range | None = None,
    ) -> tuple[Tensor, Iterator[tuple[Tensor, Tensor]]]:
        """All labels of a step [B, G, 5], and (pixels [M, 3, H, W], labels [M, G, 5]) of each."""

        def micro_batch(indices: npt.NDArray[np.int64], uniform: Tensor) -> tuple[Tensor, Tensor]:
            pixels, labels = self.augment(
                self.examples.images(indices),
                torch.from_numpy(self.examples.labels[indices]),
                fitted_N2=torch.from_numpy(self.examples.fitted[indices]),
                uniform_NU=uniform,
            )
            return pixels, encode(labels)

        labels_NG5 = torch.from_numpy(self.examples.labels[self.order.at(step)[0]])
        return labels_NG5, itertools.starmap(micro_batch, self._parts.at(step, numbers))
