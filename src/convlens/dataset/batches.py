"""Which pictures each step sees, in which micro-batches, and how they are varied."""

import itertools
from collections.abc import Callable, Iterator
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


class Parts:
    """The micro-batches of a step: whose pictures, and by which numbers they are varied.

    Args:
        order: Of the pictures.
        table: Makes the uniform numbers [pictures, columns] of an epoch; those of the current
            epochs are remembered.
        micro_batch: Pictures that are computed at once.
    """

    def __init__(
        self,
        order: Order,
        table: Callable[[int, int], npt.NDArray[np.float32]],
        *,
        micro_batch: int,
    ) -> None:
        self.order = order
        self.micro_batch = micro_batch
        self._make_table = table
        self._tables: dict[int, npt.NDArray[np.float32]] = {}

    @property
    def count(self) -> int:
        """How many micro-batches a step's pictures are computed in."""
        return -(-self.order.batch // self.micro_batch)

    def at(
        self, step: int, numbers: range | None = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], Tensor]]:
        """Indices [M] and uniform numbers [M, columns] of some micro-batches; by default all."""
        indices, epochs = self.order.at(step)
        positions = np.array_split(np.arange(len(indices)), self.count)
        for n in range(self.count) if numbers is None else numbers:
            yield indices[positions[n]], self._uniform(indices[positions[n]], epochs[positions[n]])

    def _uniform(self, indices: npt.NDArray[np.int64], epochs: npt.NDArray[np.int64]) -> Tensor:
        """The numbers of each picture in the epoch in which it is seen; epochs ascend."""
        rows = [self._table(int(epoch))[indices[epochs == epoch]] for epoch in np.unique(epochs)]
        return torch.from_numpy(np.concatenate(rows))

    def _table(self, epoch: int) -> npt.NDArray[np.float32]:
        if epoch not in self._tables:
            self._tables = {e: t for e, t in self._tables.items() if e == epoch - 1}
            self._tables[epoch] = self._make_table(epoch, self.order.count)
        return self._tables[epoch]


class Batches:
    """Gives the micro-batches of a step, varied."""

    def __init__(
        self, examples: Examples, order: Order, *, augment: Augment, micro_batch: int = MICRO_BATCH
    ) -> None:
        self.micro_batch = micro_batch
        self.examples = examples
        self.order = order
        self.augment = augment
        self._parts = Parts(order, augment.table, micro_batch=micro_batch)

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
        """All labels of a step, and its micro-batches.

        Args:
            step: from 0.
            side: of the pictures as they come out, in pixels.
            encode: makes targets [M, K] of labels [M].
            mixed: part of the usual number of pictures that are mixed with others, 0 to 1.
            numbers: of the micro-batches to give; by default all.

        Returns:
            Labels [B], and (pixels [M, 3, side, side], targets [M, K]) of each micro-batch, made
            one after the other. Where there is a teacher, its probabilities stand behind the
            targets: [M, 2 K].
        """

        def micro_batch(indices: npt.NDArray[np.int64], uniform: Tensor) -> tuple[Tensor, Tensor]:
            pixels = self.augment(self.examples.images(indices), uniform, side)
            targets = encode(self.examples.targets(indices))
            if self.examples.lessons is not None:
                lessons = torch.from_numpy(self.examples.lessons[indices])
                targets = torch.cat([targets, lessons], 1)
            return self.augment.mix(pixels, targets, uniform_NU=uniform, part=mixed)

        labels_N = self.examples.targets(self.order.at(step)[0])
        return labels_N, itertools.starmap(micro_batch, self._parts.at(step, numbers))
