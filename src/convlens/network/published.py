"""Published architectures, counted layer by layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .backbone import build_published
from .hooks import forward_hooks
from .layers.counts import Counts
from .layers.shapes import Shape
from .spec import PREFIX, Architecture, Row

ATTENTION = "attention  products of no layer's"


@dataclass(frozen=True)
class Published(Architecture):
    """A published architecture as timm has it, at one size; `text` is `timm:NAME`."""

    name: str
    size: int
    classes: int

    @property
    def text(self) -> str:
        """`timm:NAME`."""
        return PREFIX + self.name

    @property
    def any_side(self) -> bool:
        """Most of timm's pool globally; not all do, so every step sees pictures in full."""
        return False

    def rows(self) -> Iterator[Row]:
        """Each layer that learns, with its shapes and counts."""
        yield from _rows(self)


@lru_cache(8)
def _rows(published: Published) -> tuple[Row, ...]:
    """Kept, as the network has to be built and run to tell."""
    text, size = published.text, published.size
    module = build_published(text, published.classes, size=size)
    try:
        return tuple(rows_of(module, size))
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"{text} does not take {size}×{size}: {error}") from None


def rows_of(module: nn.Module, size: int | tuple[int, int]) -> Iterator[Row]:
    """Each layer that learns, with its shapes and counts, from one pass of an empty picture.

    It is of one side, or of (height, width).

    Parameters are those that the layer holds itself. Connections are counted as multiplications
    are, padding included. Behind the layers come what holds parameters without being one, such as
    embeddings of positions, and products of no layer's, as in attention.
    """
    from torch.utils.flop_counter import FlopCounterMode  # brings Triton

    rows: list[Row] = []
    held = {
        name: sum(p.numel() for p in part.parameters(recurse=False))
        for name, part in module.named_modules()
    }
    rest = {name: count for name, count in held.items() if count}

    def append(
        text: str,
        counts: Counts,
        *,
        in_shape: Shape = (),
        out_shape: Shape = (),
        convolution: bool = False,
    ) -> None:
        row = Row(
            str(len(rows) + 1),
            text,
            in_shape=in_shape,
            out_shape=out_shape,
            counts=counts,
            convolution=convolution,
        )
        rows.append(row)

    def add_row(name: str, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or not inputs or not isinstance(inputs[0], Tensor):
            return
        if not held[name]:
            return
        rest.pop(name, None)
        products = 0
        if isinstance(layer, nn.Conv2d):
            products = layer.weight[0].numel() * output.numel()  # windows are a batch to some
        elif isinstance(layer, nn.Linear):
            products = layer.in_features * output.numel()
        append(
            f"{name}  {type(layer).__name__}",
            Counts(held[name], products, products),
            in_shape=tuple(inputs[0].shape[1:]),
            out_shape=tuple(output.shape[1:]),
            convolution=isinstance(layer, nn.Conv2d),
        )

    hooks = forward_hooks(module.named_modules(), add_row)
    counter = FlopCounterMode(display=False)
    with hooks, counter, torch.inference_mode(), _counting(module):
        module(torch.zeros(1, 3, *((size, size) if isinstance(size, int) else size)))
    products = counter.get_total_flops() // 2 - sum(row.counts.multiplications for row in rows)
    for name, count in rest.items():
        append(f"{name}  {type(module.get_submodule(name)).__name__}", Counts(count, 0, 0))
    if products > 0:  # attention multiplies what it sees with what it sees
        append(ATTENTION, Counts(0, products, products))
    yield from rows


@contextmanager
def _counting(module: nn.Module) -> Iterator[None]:
    """Within it the module computes as outside of training, in operations that can be counted."""
    training = module.training
    module.eval()
    fused: list[Any] = [part for part in module.modules() if getattr(part, "fused_attn", False)]
    free = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for part in fused:
        part.fused_attn = False
    for parameter in free:  # the counter looks for gradients where there are none
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        module.train(training)
        for part in fused:
            part.fused_attn = True
        for parameter in free:
            parameter.requires_grad_(True)
