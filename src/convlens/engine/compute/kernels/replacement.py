"""Layers of other classes in the place of some, with the same parameters."""

from collections.abc import Callable
from typing import TypeVar, cast

from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def replace_layers(
    module: Module, replacement: Callable[[nn.Module], type[nn.Module] | None]
) -> Module:
    """Put layers of other classes in the place of some, and return the module.

    A new layer has the parameters, settings and hooks of the one before it.

    Args:
        module: Changed within, or replaced itself.
        replacement: The class for a layer, None where it stays.
    """
    for name, child in module.named_children():
        new = replace_layers(child, replacement)
        if new is not child:
            setattr(module, name, new)
    kind = replacement(module)
    if kind is None:
        return module
    layer = kind.__new__(kind)
    layer.__dict__.update(module.__dict__)
    return cast("Module", layer)
