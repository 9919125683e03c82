"""What layers of a module give for some pictures, recorded while the module computes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from ...network.hooks import forward_hooks


@dataclass(frozen=True)
class Recorded:
    """A layer's output [N, C, H, W] and the width of its input."""

    output: Tensor
    in_width: int


@contextmanager
def recorded(layers: Mapping[str, nn.Module]) -> Iterator[dict[str, list[Recorded]]]:
    """Within it, every forward pass adds each layer's output under its name, as they come."""
    outputs: dict[str, list[Recorded]] = {}

    def record(name: str, _: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        outputs.setdefault(name, []).append(Recorded(output, inputs[0].shape[-1]))

    with forward_hooks(layers.items(), record):
        yield outputs
