"""Reading a network from one line of text."""

import re
from dataclasses import dataclass

from ..errors import UsageError
from .layers import LAYERS, Layer
from .layers.words import Words

GRAMMAR = f"""\
A network is layers with commas between; a last dense layer, a unit per class, and softmax follow.
{"".join(layer.grammar for layer in LAYERS)}\
Example: conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84"""

_TOKEN = re.compile(r"\s*([\[\],]|[^\s\[\],]+)")
_BY_NAME = {name: layer for layer in LAYERS for name in layer.names}


@dataclass(frozen=True)
class _Item:
    """The words of one layer, and the layers in its brackets if it has some."""

    words: tuple[str, ...]
    inside: tuple["_Item", ...] | None = None


def parse_layers(line: str) -> tuple[Layer, ...]:
    """Layers from a line of text. Raises `UsageError` that names the layer and what is right."""
    tokens = _TOKEN.findall(line)
    items, rest = _items(tokens, 0, line=line)
    if rest < len(tokens):
        raise UsageError(f"network: there is a ']' without its '[' in {line!r}")
    layers = _layers(items)
    if not layers:
        raise UsageError("network: the line is empty\n" + GRAMMAR)
    return layers


def _items(tokens: list[str], at: int, *, line: str) -> tuple[tuple[_Item, ...], int]:
    items: list[_Item] = []
    words: list[str] = []
    inside: tuple[_Item, ...] | None = None

    def finish() -> None:
        nonlocal inside
        if words:
            items.append(_Item(tuple(words), inside))
        words.clear()
        inside = None

    while at < len(tokens) and tokens[at] != "]":
        if tokens[at] == ",":
            finish()
        elif tokens[at] == "[":
            inside, at = _items(tokens, at + 1, line=line)
            if at >= len(tokens):
                raise UsageError(f"network: a '[' is never closed in {line!r}")
        else:
            words.append(tokens[at].lower())
        at += 1
    finish()
    return tuple(items), at


def _layers(items: tuple[_Item, ...]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for item in items:
        layers.extend(_layer(item))
    return tuple(layers)


def _layer(item: _Item) -> list[Layer]:
    """The layer that an item describes, as often as it says."""
    inside = item.inside
    words = Words(item.words, (lambda: _layers(inside)) if inside else None)
    kind = _BY_NAME.get(words.name)
    if inside is not None and not (kind and kind.takes_layers):
        takers = " and ".join(repr(name) for name in _BY_NAME if _BY_NAME[name].takes_layers)
        raise UsageError(f"network: only {takers} takes brackets, not {words.name!r}")
    if words.name == "softmax":
        raise UsageError("network: leave 'softmax' out; it follows the last layer by itself")
    if kind is None:
        raise UsageError(f"network: there is no layer {words.name!r}\n{GRAMMAR}")
    layer = kind.parse(words)
    words.end()
    return [layer] * words.times
