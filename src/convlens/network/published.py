"""Published architectures, built by timm."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .hooks import forward_hooks
from .layers.counts import Counts
from .spec import PREFIX, Architecture, Row


def build_published(line: str, classes: int, **options: Any) -> nn.Module:
    """The architecture behind `timm:NAME`, an output per class. Raises `UsageError`."""
    import timm  # brings torch's compiler

    name = line.removeprefix(PREFIX)
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name[:6]}*")[:5])
        also = f"; it has {near}" if near else ""
        raise UsageError(f"timm has no architecture {name!r}{also}")
    module: nn.Module = timm.create_model(name, num_classes=classes, **options)
    return module


def published_normalisation(layers: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel of the pixels that an architecture was published with."""
    from timm.data import resolve_model_data_config

    config = resolve_model_data_config(layers)
    return config["mean"], config["std"]


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
        module = build_published(self.text, self.classes)
        try:
            yield from rows_of(module, self.size)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(
                f"{self.text} does not take {self.size}×{self.size}: {error}"
            ) from None


def rows_of(module: nn.Module, size: int) -> Iterator[Row]:
    """Each layer that learns, with its shapes and counts, from one pass of an empty picture.

    Parameters are those that the layer holds itself. Connections are counted as multiplications
    are, padding included.
    """
    rows: list[Row] = []

    def add_row(name: str, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or not isinstance(inputs[0], Tensor):
            return
        parameters = sum(p.numel() for p in layer.parameters(recurse=False))
        if not parameters:
            return
        products = 0
        if isinstance(layer, nn.Conv2d):
            products = layer.weight[0].numel() * output[0].numel()
        elif isinstance(layer, nn.Linear):
            products = layer.in_features * output[0].numel()
        rows.append(
            Row(
                str(len(rows) + 1),
                f"{name}  {type(layer).__name__}",
                in_shape=tuple(inputs[0].shape[1:]),
                out_shape=tuple(output.shape[1:]),
                counts=Counts(parameters, products, products),
            )
        )

    hooks = forward_hooks(module.named_modules(), add_row)
    with hooks, torch.inference_mode(), _evaluating(module):
        module(torch.zeros(1, 3, size, size))
    yield from rows


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)
