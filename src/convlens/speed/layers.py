"""What each layer of a network costs, forward and backward, and how near that is to the limit."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.compute.execution import Execution
from ..engine.compute.timing import fastest_seconds
from ..network.classifier import Classifier
from ..network.hooks import forward_hooks
from .roofline import Limits


@dataclass(frozen=True)
class LayerTiming:
    """One layer, by itself, on one micro-batch of pictures.

    `forward` and `backward` are seconds; `multiplications` are the forward pass's (the backward
    pass has twice as many where the layer learns); `share` is the layer's part of all layers' time;
    `roofline_fraction` is its rate as a part of what the limits allow: of the products' limit where
    it multiplies, else of the memory's.
    """

    name: str
    kind: str
    _: KW_ONLY
    out: tuple[int, ...]
    forward: float
    backward: float
    multiplications: int
    share: float
    roofline_fraction: float


@dataclass(frozen=True)
class _Timed:
    """A layer, what it was given and gave, and seconds."""

    name: str
    layer: nn.Module
    _: KW_ONLY
    input: Tensor
    output: Tensor
    forward: float
    backward: float

    @property
    def seconds(self) -> float:
        return self.forward + self.backward

    @property
    def products(self) -> int:
        """Multiplications of the forward pass."""
        if isinstance(self.layer, nn.Conv2d):
            return self.layer.weight[0].numel() * self.output.numel()
        if isinstance(self.layer, nn.Linear):
            return self.layer.in_features * self.output.numel()
        return 0

    def roofline_fraction(self, limits: Limits, precision: str) -> float:
        """The layer's rate as a part of what the limits allow in this precision."""
        if self.products:
            passes = 3 if self.input.requires_grad else 2
            return passes * self.products / self.seconds / limits.products[precision]
        # forward reads one and writes one, backward reads two and writes one
        moved = 5 * self.output.numel() * self.output.element_size()
        return moved / self.seconds / limits.bytes


def time_layers(
    module: Classifier, pixels_NCHW: Tensor, *, execution: Execution, limits: Limits
) -> list[LayerTiming]:
    """Time every layer of a placed module by itself, on what it sees of these pictures."""
    module.train()
    inputs = _inputs(module, execution.inputs(pixels_NCHW), execution=execution)
    layers = [_time(name, layer, x, execution=execution) for name, layer, x in inputs]
    total = sum(timed.seconds for timed in layers)
    return [
        LayerTiming(
            timed.name,
            type(timed.layer).__name__,
            out=tuple(timed.output.shape[1:]),
            forward=timed.forward,
            backward=timed.backward,
            multiplications=timed.products,
            share=timed.seconds / total,
            roofline_fraction=timed.roofline_fraction(limits, execution.config.precision),
        )
        for timed in layers
    ]


def _inputs(
    module: nn.Module, pixels_NCHW: Tensor, *, execution: Execution
) -> list[tuple[str, nn.Module, Tensor]]:
    """Each innermost layer, and its input."""
    inputs_of: list[tuple[str, nn.Module, Tensor]] = []

    def record(name: str, layer: nn.Module, inputs: tuple[Any, ...], _: Any) -> None:
        x = inputs[0].detach().clone().requires_grad_(inputs[0].requires_grad)
        inputs_of.append((name, layer, x))

    with forward_hooks(_innermost(module), record), execution.precision():
        module(pixels_NCHW)
    return inputs_of


def _innermost(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, layer in module.named_modules():
        idle = isinstance(layer, nn.Identity | nn.Flatten | nn.Unflatten)
        if not idle and not any(True for _ in layer.children()):
            yield name.removeprefix("layers."), layer


def _time(name: str, layer: nn.Module, x: Tensor, *, execution: Execution) -> _Timed:
    """The least seconds of a layer, forward and backward."""
    learns = x.requires_grad or any(p.requires_grad for p in layer.parameters())

    in_place = bool(getattr(layer, "inplace", False))  # a copy is for it to change

    def run() -> Tensor:
        with execution.precision():
            output: Tensor = layer(x.clone() if in_place else x)
        return output

    output = run()
    copying = fastest_seconds(x.clone, seconds=0.02) if in_place else 0.0
    forward = max(0.0, fastest_seconds(run, seconds=0.05) - copying)
    backward = 0.0
    if learns:
        gradient = torch.randn_like(output)

        def both() -> None:
            layer.zero_grad()
            x.grad = None
            run().backward(gradient)  # type: ignore[no-untyped-call]

        backward = max(0.0, fastest_seconds(both, seconds=0.05) - forward - copying)
    return _Timed(name, layer, input=x, output=output.detach(), forward=forward, backward=backward)
