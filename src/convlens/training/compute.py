"""How the processor is used: precision, memory layout, threads; timed, and the fastest taken."""

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn

from ..errors import ConvlensError
from .kernels import gradients_by_product, groups_in_float32
from .workers import Workers

CHOICES = (
    "float32",
    "float32-last",
    "float32-last-products",
    "bfloat16",
    "bfloat16-last",
    "bfloat16-last-products",
)


@dataclass(frozen=True)
class Compute:
    """A precision (`bfloat16` is autocast over float32 parameters), a layout (`-last`: NHWC), and
    whether small maps' filters have their gradients as matrix products (`-products`).
    """

    choice: str
    threads: int

    @property
    def layout(self) -> torch.memory_format:
        """Memory layout of feature maps and filters."""
        return torch.channels_last if "-last" in self.choice else torch.contiguous_format

    def place(self, module: nn.Module) -> nn.Module:
        """The module with its filters in this layout, and its layers in their precision."""
        if self.choice.startswith("bfloat16"):
            groups_in_float32(module)
        if self.choice.endswith("-products"):
            gradients_by_product(module)
        return module.to(memory_format=self.layout)

    def inputs(self, pixels_NCHW: Tensor) -> Tensor:
        """Pixels in this layout."""
        return pixels_NCHW.contiguous(memory_format=self.layout)

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Within it, products are computed in this precision."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.choice.startswith("bfloat16")):
            yield

    def __str__(self) -> str:
        precision, *ways = self.choice.split("-")
        last = "last" if "last" in ways else "first"
        products = ", filters' gradients as products" if "products" in ways else ""
        return f"{precision}, channels {last}{products}, {self.threads} threads"


@contextmanager
def enough_memory() -> Iterator[None]:
    """Turn what is raised inside where memory runs out into a `ConvlensError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error).lower()
        if isinstance(error, MemoryError) or "allocate memory" in said or "out of memory" in said:
            raise ConvlensError(
                "there is not enough memory for this network at this size: a smaller --size or "
                "--network needs less, a smaller --batch does not, as batches are computed in "
                "groups; a run that has a checkpoint can be gone on with (--resume)"
            ) from error
        raise


def keep_memory() -> None:
    """Tell glibc to keep what it has: each step asks for the same hundreds of megabytes again.

    By default every large tensor is mapped afresh and handed back, and the kernel clears each page
    anew. Elsewhere than on glibc nothing happens.
    """
    trim_threshold, top_pad, mmap_max = -1, -2, -4
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(mmap_max, 0)
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(top_pad, 64 << 20)


def time_choices(
    asked: str,
    threads: int,
    step: Callable[[Compute], None],
    workers: Workers,
    seconds: float = 1.0,
) -> tuple[Compute, dict[str, float]]:
    """The fastest way to do `step`, and the median seconds of each candidate.

    The candidates take turns, so that a slow moment of the machine falls on all of them. One that
    is much slower than another at its first turn gets no second. Only the asked one is timed where
    it is not `auto`. Workers take
    their steps together, and the first one's clock decides.
    """
    torch.set_num_threads(threads)
    keep_memory()
    candidates = [Compute(name, threads) for name in (CHOICES if asked == "auto" else (asked,))]
    times: dict[str, list[float]] = {candidate.choice: [] for candidate in candidates}
    end = time.perf_counter() + seconds * len(candidates)
    for candidate in candidates:
        step(candidate)  # the first step allocates and compiles kernels
    while True:
        for candidate in list(candidates):
            begun = time.perf_counter()
            step(candidate)
            times[candidate.choice].append(time.perf_counter() - begun)
        best = min(min(seen) for seen in times.values())
        good = [c.choice for c in candidates if min(times[c.choice]) < 1.5 * best]
        over = time.perf_counter() > end or min(len(times[name]) for name in good) >= 8
        left, over = workers.agree(lambda: (good, over))  # noqa: B023
        candidates = [c for c in candidates if c.choice in left]
        if over:
            break
    medians = workers.agree(lambda: {name: median(seen) for name, seen in times.items()})
    fastest = min((c.choice for c in candidates), key=medians.__getitem__)
    return Compute(fastest, threads), medians
