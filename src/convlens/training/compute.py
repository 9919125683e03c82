"""How the processor is used: precision, memory layout, kernels, threads."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ConvlensError
from .kernels import gradients_by_product, groups_in_float32


@dataclass(frozen=True)
class Compute:
    """A precision (`bfloat16` is autocast over float32 parameters), a layout (`-last`: NHWC), and
    whether small maps' filters have their gradients as matrix products (`-products`).
    """

    choice: str
    threads: int

    @property
    def numbers(self) -> str:
        """`float32` or `bfloat16`."""
        return self.choice.partition("-")[0]

    @property
    def layout(self) -> torch.memory_format:
        """Memory layout of feature maps and filters."""
        return torch.channels_last if "-last" in self.choice else torch.contiguous_format

    def place(self, module: nn.Module) -> nn.Module:
        """The module with its filters in this layout, and its layers in their precision."""
        if self.numbers == "bfloat16":
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
        with torch.autocast("cpu", torch.bfloat16, enabled=self.numbers == "bfloat16"):
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


def processor() -> str:
    """What this machine computes with: its name and the instructions that torch uses of it."""
    name = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    most = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
    return " ".join(part for part in (name, torch.backends.cpu.get_cpu_capability(), most) if part)
