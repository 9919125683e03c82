"""Looking on while a module computes."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn


@contextmanager
def forward_hooks(
    modules: Iterable[tuple[str, nn.Module]],
    call: Callable[[str, nn.Module, tuple[Any, ...], Any], None],
) -> Iterator[None]:
    """Within it, `call` is called after every forward pass of each module.

    It is called with (name, module, inputs, output). Names and modules are as
    `torch.nn.Module.named_modules` gives them.
    """
    hooks = [module.register_forward_hook(partial(call, name)) for name, module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
