"""How the processor, or a GPU, is used: precision, memory layout, kernels, threads."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from ...errors import ConvlensError, UsageError
from ...options import ExecutionConfig
from .kernels.depthwise import depthwise_by_columns, grouped_in_float32
from .kernels.products import gradients_by_product
from .kernels.relu6 import relu6_in_place

Placed = TypeVar("Placed", bound=nn.Module)

MEMORY_FORMATS = {
    "channels_first": torch.contiguous_format,
    "channels_last": torch.channels_last,
}


@dataclass(frozen=True)
class Execution:
    """A configuration on this machine: places modules and pixels, and sets the precision.

    Raises `UsageError` where it wants a GPU and there is none.
    """

    config: ExecutionConfig
    threads: int

    def __post_init__(self) -> None:
        if self.config.device == "gpu" and accelerator() is None:
            raise UsageError(
                f"--compute {self.config.name}: PyTorch finds no GPU here; a run that was begun on "
                "one goes on where there is one, or is trained again with --compute auto"
            )

    @property
    def device(self) -> torch.device:
        """What computes."""
        gpu = accelerator() if self.config.device == "gpu" else None
        return gpu or torch.device("cpu")

    @property
    def memory_format(self) -> torch.memory_format:
        """Of feature maps and filters."""
        return MEMORY_FORMATS[self.config.memory_format]

    def place(self, module: Placed) -> Placed:
        """The module on the device, its filters in the memory format, with its kernels.

        Layers are replaced within the module, and share its parameters; doing it again changes
        nothing.
        """
        if self.config.device == "cpu" and self.config.memory_format == "channels_last":
            module = relu6_in_place(depthwise_by_columns(module))
        if self.config.device == "cpu" and self.config.precision == "bfloat16":
            module = grouped_in_float32(module)
        if self.config.kernel == "products":
            module = gradients_by_product(module)
        return module.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload, no-any-return]

    def inputs(self, pixels_NCHW: Tensor) -> Tensor:
        """Pixels on the device, in the memory format."""
        return pixels_NCHW.contiguous(memory_format=self.memory_format).to(self.device)

    def wait(self) -> None:
        """Until all that was asked of the device is done: a GPU is asked ahead of time."""
        if self.config.device == "gpu":
            torch.accelerator.synchronize()

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Within it, products are computed in the configuration's precision."""
        mixed = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            yield

    def __str__(self) -> str:
        config = self.config
        layout = config.memory_format.replace("_", " ")
        products = ", filters' gradients as products" if config.kernel == "products" else ""
        gpu = config.device == "gpu"
        where = f"on {self.device.type}" if gpu else f"{self.threads} threads"
        return f"{config.precision}, {layout}{products}, {where}"


def accelerator() -> torch.device | None:
    """What PyTorch would compute on besides the processor: `cuda`, `mps`, `xpu`; None without."""
    return torch.accelerator.current_accelerator(check_available=True)


def multiplies_bfloat16() -> bool:
    """Whether oneDNN, which computes for PyTorch, has instructions for bfloat16 to use here.

    Where nothing is known of it, it may have.
    """
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):  # a PyTorch without oneDNN
        return True


@contextmanager
def enough_memory() -> Iterator[None]:
    """Turn what is raised inside where memory runs out into a `ConvlensError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        message = str(error).lower()
        if (
            isinstance(error, MemoryError)
            or "allocate memory" in message
            or "out of memory" in message
        ):
            raise ConvlensError(
                "there is not enough memory for this network at this size: a smaller --size or "
                "--network needs less, a smaller --batch does not, as batches are computed in "
                "groups; a run that has a checkpoint can be gone on with (--resume)"
            ) from error
        raise


def keep_memory() -> None:
    """Tell glibc to keep what it has: each step asks for the same hundreds of megabytes again.

    By default every large tensor is mapped afresh and handed back, and the kernel clears each page
    anew. What was freed before is given back first. Elsewhere than on glibc nothing happens.
    """
    _allocate(mmap_max=0, trim_threshold=2**31 - 1, top_pad=64 << 20)


def give_back_memory() -> None:
    """Give back what was kept, and from here on keep no more than glibc does by default."""
    _allocate(mmap_max=65_536, trim_threshold=128 << 10, top_pad=0)


def _allocate(*, mmap_max: int, trim_threshold: int, top_pad: int) -> None:
    numbers = {-4: mmap_max, -1: trim_threshold, -2: top_pad}
    try:
        libc = ctypes.CDLL(None)
        mallopt, trim = libc.mallopt, libc.malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    for number, value in numbers.items():
        mallopt(number, value)
    trim(0)


def processor() -> str:
    """What this machine computes with: its name, the instructions that torch uses of it, a GPU."""
    name = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    most, beside = os.environ.get("ONEDNN_MAX_CPU_ISA", ""), accelerator()
    parts = (name, torch.backends.cpu.get_cpu_capability(), most, str(beside) if beside else "")
    return " ".join(part for part in parts if part)
