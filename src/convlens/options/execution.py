"""How arithmetic is done: the configurations that `--compute` names."""

from dataclasses import KW_ONLY, dataclass
from typing import Literal


@dataclass(frozen=True)
class ExecutionConfig:
    """How arithmetic is done: nothing here changes what is computed but for rounding.

    Args:
        device: `cpu`, or `gpu` for what PyTorch has as its accelerator.
        precision: of products: `float32`, or `bfloat16` (autocast over float32 parameters).
        memory_format: of feature maps and filters: `channels_first` (NCHW) or `channels_last`
            (NHWC).
        kernel: `default` (PyTorch's own), or `products` (filters' gradients of small maps are
            computed as matrix products).
    """

    device: Literal["cpu", "gpu"]
    precision: Literal["float32", "bfloat16"]
    _: KW_ONLY
    memory_format: Literal["channels_first", "channels_last"] = "channels_first"
    kernel: Literal["default", "products"] = "default"

    @property
    def name(self) -> str:
        """What `--compute` and a run's record call it."""
        return next(name for name, config in EXECUTION_CONFIGS.items() if config == self)


EXECUTION_CONFIGS = {
    "float32": ExecutionConfig("cpu", "float32"),
    "float32-last": ExecutionConfig("cpu", "float32", memory_format="channels_last"),
    "float32-last-products": ExecutionConfig(
        "cpu", "float32", memory_format="channels_last", kernel="products"
    ),
    "bfloat16": ExecutionConfig("cpu", "bfloat16"),
    "bfloat16-last": ExecutionConfig("cpu", "bfloat16", memory_format="channels_last"),
    "bfloat16-last-products": ExecutionConfig(
        "cpu", "bfloat16", memory_format="channels_last", kernel="products"
    ),
    "gpu-float32": ExecutionConfig("gpu", "float32"),
    "gpu-float32-last": ExecutionConfig("gpu", "float32", memory_format="channels_last"),
    "gpu-bfloat16": ExecutionConfig("gpu", "bfloat16"),
    "gpu-bfloat16-last": ExecutionConfig("gpu", "bfloat16", memory_format="channels_last"),
}
"""The configurations that can be asked for, by name."""
CPU_CONFIGS = tuple(config for config in EXECUTION_CONFIGS.values() if config.device == "cpu")
GPU_CONFIGS = tuple(config for config in EXECUTION_CONFIGS.values() if config.device == "gpu")
