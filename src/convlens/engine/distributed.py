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

_groups = itertools.count()


class Workers:
    """The processes that train one detector; without `store`, a single one.

    Args:
        rank: This process among all; 0 is the first.
        world_size: How many there are.
        local_rank: This process among those on its node (machine).
        local_world_size: How many are on its node.
        node: The node's number.
        store: torch's key-value store that all of them see.
    """

    def __init__(
        self,
        rank: int = 0,
        world_size: int = 1,
        *,
        local_rank: int = 0,
        local_world_size: int = 1,
        node: int = 0,
        store: Any = None,
    ) -> None:
        self.rank = rank
        self.world_size = world_size
        self.local_rank = local_rank
        self.local_world_size = local_world_size
        self.node = node
        self._store = store
        self._broadcasts = itertools.count()

    @property
    def first(self) -> bool:
        """Whether this is the one that decides, writes and tells."""
        return self.rank == 0

    def cores(self) -> int:
        """Processors for each of those on this machine."""
        return max(1, cores() // self.local_world_size)

    def share(self, parts: int) -> range:
        """Which of so many parts are this one's: consecutive ones, as even as can be."""
        return range(
            parts * self.rank // self.world_size, parts * (self.rank + 1) // self.world_size
        )

    def check_batch(self, batch: int, micro_batch: int) -> None:
        """Raise `UsageError` where a batch has fewer micro-batches than there are workers."""
        if -(-batch // micro_batch) < self.world_size:
            raise UsageError(
                f"a step sees {batch} pictures in micro-batches of {micro_batch}, which "
                f"normalisation keeps together, so {self.world_size} workers cannot share it: "
                f"give --batch {self.world_size * micro_batch} or more, or start fewer workers"
            )

    def data_parallel(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all; every one then has the first's numbers."""
        if self.world_size == 1:
            return module
        options: Any = {_BUFFERS: False}  # `RunningStatistics` sees to them
        return DistributedDataParallel(module, **options)

    def gradient_sync(self, module: nn.Module, last: bool) -> AbstractContextManager[None]:
        """Within it, gradients stay here unless it is the last micro-batch of this step."""
        if last or not isinstance(module, DistributedDataParallel):
            return contextlib.nullcontext()
        no_sync: AbstractContextManager[None] = module.no_sync()
        return no_sync

    def broadcast(self, decide: Callable[[], Value]) -> Value:
        """What the first one decides, as JSON; the others wait for it as long as it takes."""
        if self._store is None:
            return decide()
        key = f"broadcast {next(self._broadcasts)}"
        if self.first:
            self._store.set(key, json.dumps(decide()))
        self._store.wait([key], LONG)
        value: Value = json.loads(self._store.get(key))
        return value

    @contextmanager
    def local_first(self) -> Iterator[None]:
        """On each node one goes first, so that the others find in the cache what it made."""
        key = f"made {next(self._broadcasts)} on {self.node}"
        if self._store is not None and self.local_rank:
            self._store.wait([key], LONG)
        yield
        if self._store is not None and not self.local_rank:
            self._store.set(key, "")

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """The sum over all, in place."""
        if self.world_size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def sum(self, number: float) -> float:
        """The sum over all."""
        if self.world_size == 1:
            return number
        return self.all_reduce(torch.tensor(number, dtype=torch.float64)).item()

    def any(self, fact: bool) -> bool:
        """Whether it is so for one of them at least."""
        return self.sum(float(fact)) > 0 if self.world_size > 1 else fact

    def broadcast_bytes(self, read: Callable[[], bytes]) -> bytes:
        """What the first one reads."""
        if self.world_size == 1:
            return read()
        own = torch.frombuffer(bytearray(read()), dtype=torch.uint8) if self.first else None
        length = int(self.sum(0.0 if own is None else float(len(own))))
        data = torch.empty(length, dtype=torch.uint8) if own is None else own
        distributed.broadcast(data, 0)
        return bytes(data.numpy().tobytes())

    @contextmanager
    def reporting_lost_worker(self, folder: Path) -> Iterator[None]:
        """Turn what is raised inside where another one is lost into a `ConvlensError`."""
        try:
            yield
        except RuntimeError as error:
            if self.world_size == 1 or not _is_lost_worker(error):
                raise
            raise ConvlensError(
                f"worker {self.rank + 1} of {self.world_size} lost the connection to another one, "
                f"which has died or hangs; the last checkpoint in {folder} is whole: go on with "
                f"'train --resume {folder}', with as many workers as you like"
            ) from error


SINGLE_PROCESS = Workers()


def _is_lost_worker(error: RuntimeError) -> bool:
    message = str(error).lower()
    return isinstance(error, distributed.DistError) or any(
        word in message for word in ("gloo", "nccl", "connection", "timed out")
    )


@contextmanager
def init_distributed() -> Iterator[Workers]:
    """Those that `torchrun` started with this process, or this one alone."""
    rank, world_size = worker()
    if world_size == 1:
        yield SINGLE_PROCESS
        return
    rendezvous = distributed.rendezvous("env://", timeout=PATIENCE)  # type: ignore[attr-defined]
    torchruns_store, _, _ = next(iter(rendezvous))
    # torchrun's store outlives the processes that it starts again
    begun = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    name = f"convlens {begun} {next(_groups)}"
    store = distributed.PrefixStore(name, torchruns_store)  # type: ignore[attr-defined]
    # each kind of tensor by its own means
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(
        backend, store=store, rank=rank, world_size=world_size, timeout=PATIENCE
    )
    try:
        workers = Workers(
            rank,
            world_size,
            local_rank=int(os.environ.get("LOCAL_RANK", "0")),
            local_world_size=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
            node=int(os.environ.get("GROUP_RANK", rank)),
            store=store,
        )
        yield workers
        workers.broadcast(lambda: None)  # the first may judge and write for long
        distributed.barrier()  # nobody goes while another may still ask
    finally:
        distributed.destroy_process_group()


class RunningStatistics:
    """Keeps running means and variances of normalisation as one process alone would have them.

    Each micro-batch moves them by its momentum m: r becomes (1 - m) r + m s. So after all of a
    step, one's own micro-batches count by (1 - m) to the power of how many come after them, and
    what was before the step by (1 - m) to the power of all.

    It is made before a step, and `synchronize` is called after it.
    """

    def __init__(self, module: nn.Module, workers: Workers) -> None:
        self._workers = workers
        layers = [p for p in module.modules() if isinstance(p, _BatchNorm) and p.training]
        if workers.world_size == 1:
            layers = []
        self._counts = [p.num_batches_tracked for p in layers if p.num_batches_tracked is not None]
        self._statistics: list[tuple[Tensor, float]] = []
        for layer in layers:
            for statistic in (layer.running_mean, layer.running_var):
                if statistic is not None and layer.momentum is not None:
                    self._statistics.append((statistic, 1 - layer.momentum))
        self._before = [statistic.clone() for statistic, _ in self._statistics]

    def synchronize(self, own: range, micro_batches: int) -> None:
        """After a step of so many micro-batches, of which some were computed here."""
        if not self._statistics:
            return
        moved = [
            (statistic - keep ** len(own) * before) * keep ** (micro_batches - own.stop)
            for (statistic, keep), before in zip(self._statistics, self._before, strict=True)
        ]
        sums = torch.split(
            self._workers.all_reduce(torch.cat(moved)), [len(part) for part in moved]
        )
        for (statistic, keep), before, total in zip(
            self._statistics, self._before, sums, strict=True
        ):
            statistic.copy_(total + keep**micro_batches * before)
        for count in self._counts:
            count.add_(micro_batches - len(own))
