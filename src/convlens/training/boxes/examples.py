"""Pictures with boxes as arrays, and the micro-batches of each step."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...dataset.batches import Order
from ...dataset.examples import to_float
from .augment import BoxAugment
from .cost import NOTHING
from .network import MICRO_BATCH


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


def padded_labels(objects: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Objects [n, 5] of each picture as labels [N, G, 5], one place at least for each."""
    most = max([1, *map(len, objects)])
    labels = np.full((len(objects), most, 5), NOTHING, np.float32)
    for row, own in enumerate(objects):
        labels[row, : len(own)] = own
    return labels


class BoxBatches:
    """Gives the micro-batches of a step, varied; remembers the table of the current epochs."""

    micro_batch = MICRO_BATCH

    def __init__(self, examples: BoxExamples, order: Order, *, augment: BoxAugment) -> None:
        self.examples = examples
        self.order = order
        self.augment = augment
        self._tables: dict[int, npt.NDArray[np.float32]] = {}

    @property
    def micro_batch_count(self) -> int:
        """How many micro-batches a step's pictures are computed in."""
        return -(-self.order.batch // self.micro_batch)

    def micro_batches(
        self,
        step: int,
        side: int,
        *,
        encode: Callable[[Tensor], Tensor],
        mixed: float = 1.0,
        numbers: range | None = None,
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """All labels of a step [B, G, 5], and (pixels [M, 3, H, W], labels [M, G, 5]) of each."""
        indices, epochs = self.order.at(step)
        parts = np.array_split(np.arange(len(indices)), self.micro_batch_count)
        chosen = range(self.micro_batch_count) if numbers is None else numbers
        micro_batches = []
        for part in (parts[number] for number in chosen):
            own = indices[part]
            pixels, labels = self.augment(
                self.examples.images(own),
                torch.from_numpy(self.examples.labels[own]),
                fitted_N2=torch.from_numpy(self.examples.fitted[own]),
                uniform_NU=torch.from_numpy(self._uniform(own, epochs[part])),
            )
            micro_batches.append((pixels, encode(labels)))
        return torch.from_numpy(self.examples.labels[indices]), micro_batches

    def _uniform(
        self, indices: npt.NDArray[np.int64], epochs: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """The uniform numbers of each picture in the epoch in which it is seen."""
        rows = [self._table(int(e))[i] for i, e in zip(indices, epochs, strict=True)]
        return np.stack(rows)

    def _table(self, epoch: int) -> npt.NDArray[np.float32]:
        if epoch not in self._tables:
            self._tables = {e: t for e, t in self._tables.items() if e == epoch - 1}
            self._tables[epoch] = self.augment.table(epoch, self.order.count)
        return self._tables[epoch]
