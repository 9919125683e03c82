"""One training shared by several processes, by torch's own distributed data parallel.

`torchrun` starts them and says who is who. All run the same code; what depends on time, on a clock,
a signal or a file, the first one decides, and the others hear of it. What goes between processes is
numbers and JSON, no pickle.
"""

import contextlib
import inspect
import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from ..errors import ConvlensError, UsageError
from ..parallel import cores, worker

Value = TypeVar("Value")

PATIENCE = timedelta(minutes=10)
"""One that is so late for a step is taken for lost; one that has died is noticed at once."""
LONG = timedelta(days=30)
"""While the first one reads pictures, the others wait; if it dies, their wait ends."""

_KNOWN = inspect.signature(DistributedDataParallel).parameters
_BUFFERS = next(n for n in ("forward_sync_buffers", "broadcast_buffers") if n in _KNOWN)
"""The argument's name in torch 2.14, and before."""

_joined = itertools.count()


class Workers:
    """The processes that train one detector; without `store`, one alone.

    `number` 0 is the first; `beside` of them are on its machine, `place` is the number there, and
    `machine` that machine's number.
    """

    def __init__(
        self,
        number: int = 0,
        count: int = 1,
        *,
        beside: int = 1,
        place: int = 0,
        machine: int = 0,
        store: Any = None,
    ) -> None:
        self.number = number
        self.count = count
        self.beside = beside
        self.place = place
        self.machine = machine
        self._store = store
        self._said = itertools.count()

    @property
    def first(self) -> bool:
        """Whether this is the one that decides, writes and tells."""
        return self.number == 0

    def cores(self) -> int:
        """Processors for each of those on this machine."""
        return max(1, cores() // self.beside)

    def share(self, parts: int) -> range:
        """Which of so many parts are this one's: consecutive ones, as even as can be."""
        return range(parts * self.number // self.count, parts * (self.number + 1) // self.count)

    def enough(self, batch: int, group: int) -> None:
        """Raise `UsageError` where a batch has fewer groups than there are workers."""
        if -(-batch // group) < self.count:
            raise UsageError(
                f"a step sees {batch} pictures in groups of {group}, which normalisation keeps "
                f"together, so {self.count} workers cannot share it: give --batch "
                f"{self.count * group} or more, or start fewer workers"
            )

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all; every one then has the first's numbers."""
        if self.count == 1:
            return module
        options: Any = {_BUFFERS: False}  # `Running` sees to them
        return DistributedDataParallel(module, **options)

    def exchanging(self, module: nn.Module, last: bool) -> AbstractContextManager[None]:
        """Within it, gradients stay here unless it is the last group of this step."""
        if last or not isinstance(module, DistributedDataParallel):
            return contextlib.nullcontext()
        held: AbstractContextManager[None] = module.no_sync()
        return held

    def agree(self, decide: Callable[[], Value]) -> Value:
        """What the first one decides, as JSON; the others wait for it as long as it takes."""
        if self._store is None:
            return decide()
        key = f"said {next(self._said)}"
        if self.first:
            self._store.set(key, json.dumps(decide()))
        self._store.wait([key], LONG)
        said: Value = json.loads(self._store.get(key))
        return said

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """On each machine one goes first, so that the others find in the cache what it made."""
        key = f"made {next(self._said)} on {self.machine}"
        if self._store is not None and self.place:
            self._store.wait([key], LONG)
        yield
        if self._store is not None and not self.place:
            self._store.set(key, "")

    def add(self, tensor: Tensor) -> Tensor:
        """The sum over all, in place."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def total(self, number: float) -> float:
        """The sum over all."""
        if self.count == 1:
            return number
        return self.add(torch.tensor(number, dtype=torch.float64)).item()

    def any(self, fact: bool) -> bool:
        """Whether it is so for one of them at least."""
        return self.total(float(fact)) > 0 if self.count > 1 else fact

    def data(self, read: Callable[[], bytes]) -> bytes:
        """What the first one reads."""
        if self.count == 1:
            return read()
        held = torch.frombuffer(bytearray(read()), dtype=torch.uint8) if self.first else None
        length = int(self.total(0.0 if held is None else float(len(held))))
        whole = torch.empty(length, dtype=torch.uint8) if held is None else held
        distributed.broadcast(whole, 0)
        return bytes(whole.numpy().tobytes())

    @contextmanager
    def noticing_loss(self, folder: Path) -> Iterator[None]:
        """Turn what is raised inside where another one is lost into a `ConvlensError`."""
        try:
            yield
        except RuntimeError as error:
            if self.count == 1 or not _is_loss(error):
                raise
            raise ConvlensError(
                f"worker {self.number + 1} of {self.count} lost the connection to another one, "
                f"which has died or hangs; the last checkpoint in {folder} is whole: go on with "
                f"'train --resume {folder}', with as many workers as you like"
            ) from error


ALONE = Workers()


def _is_loss(error: RuntimeError) -> bool:
    said = str(error).lower()
    return isinstance(error, distributed.DistError) or any(
        word in said for word in ("gloo", "nccl", "connection", "timed out")
    )


@contextmanager
def joined() -> Iterator[Workers]:
    """Those that `torchrun` started with this process, or this one alone."""
    number, count = worker()
    if count == 1:
        yield ALONE
        return
    rendezvous = distributed.rendezvous("env://", timeout=PATIENCE)  # type: ignore[attr-defined]
    found, _, _ = next(iter(rendezvous))
    # torchrun's store outlives the processes that it starts again
    begun = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    name = f"convlens {begun} {next(_joined)}"
    store = distributed.PrefixStore(name, found)  # type: ignore[attr-defined]
    # each kind of tensor by its own means
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(
        backend, store=store, rank=number, world_size=count, timeout=PATIENCE
    )
    beside, place, machine = (
        int(os.environ.get(name, usual))
        for name, usual in (("LOCAL_WORLD_SIZE", "1"), ("LOCAL_RANK", "0"), ("GROUP_RANK", number))
    )
    try:
        yield Workers(number, count, beside=beside, place=place, machine=machine, store=store)
        distributed.barrier()  # nobody goes while another may still ask
    finally:
        distributed.destroy_process_group()


class Running:
    """Keeps running means and variances of normalisation as one process alone would have them.

    Each group moves them by its momentum m: r becomes (1 - m) r + m s. So after all groups of a
    step, one's own groups count by (1 - m) to the power of how many come after them, and what was
    before the step by (1 - m) to the power of all.
    """

    def __init__(self, module: nn.Module, workers: Workers) -> None:
        self._workers = workers
        parts = [p for p in module.modules() if isinstance(p, _BatchNorm) and p.training]
        if workers.count == 1:
            parts = []
        self._counts = [p.num_batches_tracked for p in parts if p.num_batches_tracked is not None]
        self._kept: list[tuple[Tensor, float]] = []
        for part in parts:
            for held in (part.running_mean, part.running_var):
                if held is not None and part.momentum is not None:
                    self._kept.append((held, 1 - part.momentum))
        self._before = [held.clone() for held, _ in self._kept]

    def bring_together(self, mine: range, groups: int) -> None:
        """After a step of so many groups, of which some were computed here."""
        if not self._kept:
            return
        own = [
            (held - keep ** len(mine) * before) * keep ** (groups - mine.stop)
            for (held, keep), before in zip(self._kept, self._before, strict=True)
        ]
        whole = self._workers.add(torch.cat(own))
        sums = torch.split(whole, [len(part) for part in own])
        for (held, keep), before, total in zip(self._kept, self._before, sums, strict=True):
            held.copy_(total + keep**groups * before)
        for seen in self._counts:
            seen.add_(groups - len(mine))
