"""What each layer of a network costs, forward and backward, and how near that is to the limit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.compute.execution import Execution
from ..engine.compute.timing import fastest_seconds
from ..network.build import Classifier
from .roofline import Limits


@dataclass(frozen=True)
class LayerCost:
    """One layer, by itself, on one group of pictures.

    Seconds forward and backward; `multiplications` of the forward pass (the backward pass has twice
    as many where the layer learns); `share` is the layer's part of all layers' time;
    `roofline_fraction` is its rate as a part of what the limits allow: of the products' where it
    multiplies, else of
    the memory's.
    """

    name: str
    kind: str
    out: tuple[int, ...]
    forward: float
    backward: float
    multiplications: int
    share: float
    roofline_fraction: float


def layer_costs(
    module: Classifier, pixels: Tensor, *, execution: Execution, limits: Limits
) -> list[LayerCost]:
    """Time every layer of a placed module by itself, on what it sees of these pictures."""
    found: list[tuple[str, nn.Module, Tensor, float, float]] = []
    module.train()
    inputs = _inputs(module, execution.inputs(pixels), execution=execution)
    for name, part, x in inputs:
        forward, backward, out = _time(part, x, execution=execution)
        found.append((name, part, out, forward, backward))
    total = sum(forward + backward for *_, forward, backward in found)
    costs = []
    for (name, part, out, forward, backward), (_, _, x) in zip(found, inputs, strict=True):
        products = _products(part, out)
        if products:
            passes = 3 if x.requires_grad else 2
            roofline_fraction = (
                passes
                * products
                / (forward + backward)
                / limits.products[execution.config.precision]
            )
        else:  # forward reads one and writes one, backward reads two and writes one
            moved = 5 * out.numel() * out.element_size()
            roofline_fraction = moved / (forward + backward) / limits.bytes
        costs.append(
            LayerCost(
                name,
                type(part).__name__,
                tuple(out.shape[1:]),
                forward,
                backward,
                products,
                (forward + backward) / total,
                roofline_fraction,
            )
        )
    return costs


def _inputs(
    module: nn.Module, pixels: Tensor, *, execution: Execution
) -> list[tuple[str, nn.Module, Tensor]]:
    """Each innermost layer, and its input."""
    seen: list[tuple[str, nn.Module, Tensor]] = []

    def hook(name: str) -> Any:
        def note(part: nn.Module, inputs: tuple[Any, ...], _: object) -> None:
            x = inputs[0]
            seen.append((name, part, x.detach().clone().requires_grad_(x.requires_grad)))

        return note

    hooks = [part.register_forward_hook(hook(name)) for name, part in _innermost(module)]
    try:
        with execution.precision():
            module(pixels)
    finally:
        for one in hooks:
            one.remove()
    return seen


def _innermost(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, part in module.named_modules():
        idle = isinstance(part, nn.Identity | nn.Flatten | nn.Unflatten)
        if not idle and not any(True for _ in part.children()):
            yield name.removeprefix("layers."), part


def _time(part: nn.Module, x: Tensor, *, execution: Execution) -> tuple[float, float, Tensor]:
    """Seconds forward and backward, and what comes out."""
    learns = x.requires_grad or any(p.requires_grad for p in part.parameters())

    def run() -> Tensor:
        with execution.precision():
            out: Tensor = part(x)
        return out

    out = run()
    forward = fastest_seconds(run, seconds=0.05)
    if not learns:
        return forward, 0.0, out.detach()
    gradient = torch.randn_like(out)

    def both() -> None:
        part.zero_grad()
        x.grad = None
        run().backward(gradient)  # type: ignore[no-untyped-call]

    return forward, max(0.0, fastest_seconds(both, seconds=0.05) - forward), out.detach()


def _products(part: nn.Module, out: Tensor) -> int:
    if isinstance(part, nn.Conv2d):
        return part.weight[0].numel() * out.numel()
    if isinstance(part, nn.Linear):
        return part.in_features * out.numel()
    return 0
