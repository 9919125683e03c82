"""How the processor, or a GPU, is used: precision, memory layout, kernels, threads."""

import ctypes
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ConvlensError, UsageError
from .kernels import gradients_by_product, groups_in_float32

ELSEWHERE = "gpu-"
"""How the name of a way begins that is not the processor's."""


@dataclass(frozen=True)
class Compute:
    """A precision (`bfloat16` is autocast over float32 parameters), a layout (`-last`: NHWC), and
    whether small maps' filters have their gradients as matrix products (`-products`); on the
    processor, or what PyTorch has as its accelerator (`gpu-`). Raises `UsageError` without one.
    """

    choice: str
    threads: int

    def __post_init__(self) -> None:
        if self.elsewhere and accelerator() is None:
            raise UsageError(
                f"--compute {self.choice}: PyTorch finds no GPU here; a run that was begun on one "
                "goes on where there is one, or is trained again with --compute auto"
            )

    @property
    def elsewhere(self) -> bool:
        """Whether it is a GPU that computes."""
        return self.choice.startswith(ELSEWHERE)

    @property
    def device(self) -> torch.device:
        """What computes."""
        found = accelerator() if self.elsewhere else None
        return found or torch.device("cpu")

    @property
    def _words(self) -> list[str]:
        return self.choice.removeprefix(ELSEWHERE).split("-")

    @property
    def numbers(self) -> str:
        """`float32` or `bfloat16`."""
        return self._words[0]

    @property
    def layout(self) -> torch.memory_format:
        """Memory layout of feature maps and filters."""
        return torch.channels_last if "last" in self._words else torch.contiguous_format

    def place(self, module: nn.Module) -> nn.Module:
        """The module there, with its filters in this layout, and its layers in their precision."""
        if self.numbers == "bfloat16" and not self.elsewhere:
            groups_in_float32(module)
        if "products" in self._words:
            gradients_by_product(module)
        return module.to(self.device, memory_format=self.layout)  # type: ignore[call-overload, no-any-return]

    def inputs(self, pixels_NCHW: Tensor) -> Tensor:
        """Pixels there, in this layout."""
        return pixels_NCHW.contiguous(memory_format=self.layout).to(self.device)

    def wait(self) -> None:
        """Until all that was asked of it is done: a GPU is asked ahead of time."""
        if self.elsewhere:
            torch.accelerator.synchronize()

    def seconds(self, do: Callable[[], object]) -> float:
        """What something takes, to its very end."""
        begun = time.perf_counter()
        do()
        self.wait()
        return time.perf_counter() - begun

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Within it, products are computed in this precision."""
        mixed = self.numbers == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            yield

    def __str__(self) -> str:
        last = "last" if "last" in self._words else "first"
        products = ", filters' gradients as products" if "products" in self._words else ""
        where = f"on {self.device.type}" if self.elsewhere else f"{self.threads} threads"
        return f"{self.numbers}, channels {last}{products}, {where}"


def accelerator() -> torch.device | None:
    """What PyTorch would compute on besides the processor: `cuda`, `mps`, `xpu`; None without."""
    return torch.accelerator.current_accelerator(check_available=True)


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
    """What this machine computes with: its name, the instructions that torch uses of it, a GPU."""
    name = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    most, beside = os.environ.get("ONEDNN_MAX_CPU_ISA", ""), accelerator()
    parts = (name, torch.backends.cpu.get_cpu_capability(), most, str(beside) if beside else "")
    return " ".join(part for part in parts if part)
