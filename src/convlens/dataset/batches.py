"""Which pictures each step sees, in which micro-batches, and how they are varied."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..network.classifier import MICRO_BATCH
from .augment import Augment
from .examples import Examples
from .random import generator


@dataclass(frozen=True)
class Order:
    """An endless walk through shuffled epochs, cut into batches.

    Every picture is seen once an epoch, and every batch is full: the last one of an epoch goes on
    into the next. Where a picture stands depends on (seed, position) only.
    """

    count: int
    batch: int
    seed: int

    def at(self, step: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Indices [B] of the pictures of a step and the epoch [B] in which each is seen."""
        positions = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs = positions // self.count
        indices = np.concatenate(
            [
                self.shuffled(int(epoch))[positions[epochs == epoch] % self.count]
                for epoch in np.unique(epochs)
            ]
        )
        return indices, epochs

    def shuffled(self, epoch: int) -> npt.NDArray[np.int64]:
        """The order of one epoch [N]."""
        return generator(self.seed, "order", epoch).permutation(self.count)


class Batches:
    """Gives the micro-batches of a step, varied; remembers the tables of the current epoch."""

    def __init__(
        self, examples: Examples, order: Order, *, augment: Augment, micro_batch: int = MICRO_BATCH
    ) -> None:
        self.micro_batch = micro_batch
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
        """All labels of a step, and its micro-batches.

        Args:
            step: from 0.
            side: of the pictures as they come out, in pixels.
            encode: makes targets [M, K] of labels [M].
            mixed: part of the usual number of pictures that are mixed with others, 0 to 1.
            numbers: of the micro-batches to give; by default all.

        Returns:
            Labels [B], and (pixels [M, 3, side, side], targets [M, K]) of each micro-batch. Where
            there is a teacher, its probabilities stand behind the targets: [M, 2 K].
        """
        indices, epochs = self.order.at(step)
        positions = np.array_split(np.arange(len(indices)), self.micro_batch_count)
        if numbers is None:
            numbers = range(self.micro_batch_count)
        micro_batches = [
            self._micro_batch(
                indices[positions[n]], epochs[positions[n]], side=side, encode=encode, mixed=mixed
            )
            for n in numbers
        ]
        return self.examples.targets(indices), micro_batches

    def _micro_batch(
        self,
        indices: npt.NDArray[np.int64],
        epochs: npt.NDArray[np.int64],
        *,
        side: int,
        encode: Callable[[Tensor], Tensor],
        mixed: float,
    ) -> tuple[Tensor, Tensor]:
        uniform = torch.from_numpy(self._uniform(indices, epochs))
        pixels = self.augment(self.examples.images(indices), uniform, side)
        targets = encode(self.examples.targets(indices))
        if self.examples.lessons is not None:
            lessons = torch.from_numpy(self.examples.lessons[indices])
            targets = torch.cat([targets, lessons], 1)
        return self.augment.mix(pixels, targets, uniform_NU=uniform, part=mixed)

    def _uniform(
        self, indices: npt.NDArray[np.int64], epochs: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """The uniform numbers of each picture in the epoch in which it is seen; epochs ascend."""
        return np.concatenate(
            [self._table(int(epoch))[indices[epochs == epoch]] for epoch in np.unique(epochs)]
        )

    def _table(self, epoch: int) -> npt.NDArray[np.float32]:
        if epoch not in self._tables:
            self._tables = {e: t for e, t in self._tables.items() if e == epoch - 1}
            self._tables[epoch] = self.augment.table(epoch, self.order.count)
        return self._tables[epoch]
