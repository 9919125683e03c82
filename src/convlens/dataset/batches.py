"""Which pictures each step sees, and their pixels as the network takes them."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ..network.build import MICRO_BATCH
from .augment import Augment
from .random import generator


@dataclass(frozen=True)
class Examples:
    """Pictures of one side: uint8 `pixels` [M, S, S, 3], the `rows` [N] in it, `labels` [N].

    Labels are places, 0 to `classes` - 1. Those with the same number in `groups` [N] may not be
    parted; None where each may.
    """

    pixels: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    _: KW_ONLY
    labels: npt.NDArray[np.int64]
    classes: int
    groups: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def images(self, indices: npt.NDArray[np.int64]) -> Tensor:
        """Float pixels, 0 to 1, [N, 3, S, S]: what evaluation sees."""
        return to_float(torch.from_numpy(self.pixels[self.rows[indices]]))

    def targets(self, indices: npt.NDArray[np.int64]) -> Tensor:
        """Labels as places [N]."""
        return torch.from_numpy(self.labels[indices])

    def take(self, places: npt.NDArray[np.int64]) -> "Examples":
        """Some of them, by their places."""
        groups = None if self.groups is None else self.groups[places]
        return Examples(
            self.pixels,
            self.rows[places],
            labels=self.labels[places],
            classes=self.classes,
            groups=groups,
        )

    def moments(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation per channel, of 0 to 1, over at most 2,000 pictures."""
        spread = np.linspace(0, len(self) - 1, min(len(self), 2000)).astype(np.int64)
        counts = np.zeros((3, 256))
        for row in self.rows[spread]:
            for channel in range(3):
                seen = self.pixels[row, :, :, channel].ravel()
                counts[channel] += np.bincount(seen, minlength=256)
        shares, values = counts / counts[0].sum(), np.arange(256) / 255
        mean = shares @ values
        deviation = np.sqrt(np.maximum(shares @ values**2 - mean**2, 1e-4))
        return mean.tolist(), deviation.tolist()


def to_float(images_NHWC: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] to float 0 to 1 [N, 3, H, W]; the detector file does the same."""
    return images_NHWC.permute(0, 3, 1, 2).float() / 255


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
    """Gives the groups of pictures of a step, varied; remembers the tables of the current epoch."""

    def __init__(
        self, examples: Examples, order: Order, *, augment: Augment, group: int = MICRO_BATCH
    ) -> None:
        self.group = group
        self.examples = examples
        self.order = order
        self.augment = augment
        self._tables: dict[int, npt.NDArray[np.float32]] = {}

    @property
    def parts(self) -> int:
        """How many groups a step's pictures are computed in."""
        return -(-self.order.batch // self.group)

    def groups(
        self, step: int, side: int, *, mixed: float = 1.0, numbers: range | None = None
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """All labels [B] of a step, and its groups: (pixels [G, 3, side, side], targets [G, K]).

        `mixed` is the part of the usual number of pictures that are mixed with others; `numbers`
        are those of the groups to give, all unless told.
        """
        indices, epochs = self.order.at(step)
        parts = np.array_split(np.arange(len(indices)), self.parts)
        wanted = [parts[number] for number in (range(self.parts) if numbers is None else numbers)]
        groups = [self._group(indices[part], epochs[part], side, mixed) for part in wanted]
        return self.examples.targets(indices), groups

    def _group(
        self,
        indices: npt.NDArray[np.int64],
        epochs: npt.NDArray[np.int64],
        side: int,
        mixed: float,
    ) -> tuple[Tensor, Tensor]:
        seen = [(epochs == epoch, self._table(int(epoch))) for epoch in np.unique(epochs)]
        uniform = np.empty((len(indices), seen[0][1].shape[1]), np.float32)
        for where, table in seen:
            uniform[where] = table[indices[where]]
        numbers = torch.from_numpy(uniform)
        pixels = self.augment(self.examples.images(indices), numbers, side)
        targets = functional.one_hot(self.examples.targets(indices), self.examples.classes).float()
        return self.augment.mix(pixels, targets, uniform_NU=numbers, part=mixed)

    def _table(self, epoch: int) -> npt.NDArray[np.float32]:
        if epoch not in self._tables:
            self._tables = {e: t for e, t in self._tables.items() if e == epoch - 1}
            self._tables[epoch] = self.augment.table(epoch, self.order.count)
        return self._tables[epoch]
