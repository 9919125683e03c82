"""Reading a network from one line of text."""

import re
from dataclasses import dataclass

from ..errors import UsageError
from .layers import (
    ACTIVATIONS,
    Activation,
    Conv,
    Dense,
    Dropout,
    Full,
    GlobalPool,
    Layer,
    Local,
    Norm,
    Pool,
    Residual,
    ResponseNorm,
)
from .shapes import Window

GRAMMAR = """\
A network is layers with commas between; a last dense layer, a unit per class, and softmax follow.
  conv 6 5x5         6 filters of 5×5, no padding; also: stride 2, same (zero padding), groups 2
  local 6 5x5        the same connections with nothing shared
  full 6 5x5         the same outputs, each connected to every input
  pool 2             maximum over 2×2, stride 2; also: stride 2, same, blur (before subsampling)
  avgpool 2          mean instead of maximum
  gap                global average pooling
  dense 120          fully connected
  norm               batch normalisation; lrn: local response normalisation
  dropout 0.5        drop units in training
  relu gelu silu tanh sigmoid linear
                     the activation of the layer before; conv, local and dense have relu unless told
  residual [...]     adds the input of the bracketed layers to their output; x3 repeats the block
Example: conv 6 5x5, pool 2, conv 16 5x5, pool 2, dense 120, dense 84"""

_TOKEN = re.compile(r"\s*([\[\],]|[^\s\[\],]+)")


@dataclass(frozen=True)
class _Item:
    """The words of one layer, and the layers in its brackets if it has some."""

    words: tuple[str, ...]
    inside: tuple["_Item", ...] | None = None

    def __str__(self) -> str:
        return " ".join(self.words)


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


def _layer(item: _Item) -> list[Layer]:  # noqa: PLR0912 -- one case per layer
    kind, *rest = item.words
    words = _Words(item, rest)
    if item.inside is not None and kind != "residual":
        raise UsageError(f"network: only 'residual' takes brackets, not {kind!r}")
    made: list[Layer]
    match kind:
        case "conv":
            filters, groups = words.number("filters"), words.groups()
            made = [Conv(filters, words.window(), groups)]
        case "local" | "full":
            filters = words.number("filters")
            made = [(Local if kind == "local" else Full)(filters, words.window())]
        case "pool" | "maxpool" | "avgpool":
            blur = words.has("blur")
            window = words.window(default_stride=True)
            made = [Pool("avgpool" if kind == "avgpool" else "pool", window, blur)]
        case "gap":
            made = [GlobalPool()]
        case "dense":
            made = [Dense(words.number("units"))]
        case "norm":
            made = [Norm()]
        case "lrn":
            made = [ResponseNorm()]
        case "dropout":
            made = [Dropout(words.rate())]
        case "residual":
            made = _residual(item, words)
        case _ if kind in ACTIVATIONS:
            made = [Activation(kind)]
        case "softmax":
            raise UsageError("network: leave 'softmax' out; it follows the last layer by itself")
        case _:
            raise UsageError(f"network: there is no layer {kind!r}\n{GRAMMAR}")
    words.end()
    return made


def _residual(item: _Item, words: "_Words") -> list[Layer]:
    if not item.inside:
        raise UsageError("network: residual takes layers in brackets: residual [conv 64 3x3 same]")
    times, activation = 1, "relu"
    while (word := words.next()) is not None:
        if re.fullmatch(r"x\d+", word) and 1 <= int(word[1:]) <= 1000:
            times = int(word[1:])
        elif word in ACTIVATIONS:
            activation = word
        else:
            words.wrong(word, "after the brackets come x3 (a number of blocks) or an activation")
    return [Residual(_layers(item.inside), activation)] * times


class _Words:
    """The words behind a layer's name, taken one by one."""

    def __init__(self, item: _Item, words: list[str]) -> None:
        self._item = item
        self._words = list(words)

    def wrong(self, word: str | None, hint: str) -> None:
        got = f"{word!r}" if word is not None else "nothing"
        raise UsageError(f"network: in '{self._item}', {hint}; got {got}")

    def next(self) -> str | None:
        return self._words.pop(0) if self._words else None

    def number(self, what: str) -> int:
        word = self.next()
        if word is None or not re.fullmatch(r"\d{1,9}", word) or int(word) < 1:
            self.wrong(word, f"the number of {what} comes first")
        assert word is not None  # noqa: S101
        return int(word)

    def has(self, word: str) -> bool:
        """Whether a word is there; it is taken out."""
        found = word in self._words
        if found:
            self._words.remove(word)
        return found

    def groups(self) -> int:
        """The number after the word `groups`, taken out from wherever it stands; else 1."""
        if "groups" not in self._words:
            return 1
        at = self._words.index("groups")
        word = self._words[at + 1] if at + 1 < len(self._words) else None
        if word is None or not re.fullmatch(r"\d{1,9}", word) or int(word) < 1:
            self.wrong(word, "a number follows 'groups'")
        assert word is not None  # noqa: S101
        del self._words[at : at + 2]
        return int(word)

    def rate(self) -> float:
        word = self.next()
        if word is None or not re.fullmatch(r"0?\.\d+|0", word):
            self.wrong(word, "the share of units to drop comes first, such as 0.5")
        return float(word or 0)

    def pair(self) -> tuple[int, int]:
        word = self.next()
        found = re.fullmatch(r"(\d{1,6})(?:[x×](\d{1,6}))?", word or "")
        if not found or int(found[1]) < 1 or int(found[2] or 1) < 1:
            self.wrong(word, "a size is wanted, such as 3 or 3x3")
        assert found is not None  # noqa: S101
        return int(found[1]), int(found[2] or found[1])

    def window(self, default_stride: bool = False) -> Window:
        kernel = self.pair()
        stride = kernel if default_stride else (1, 1)
        same = False
        while (word := self.next()) is not None:
            if word == "stride":
                stride = self.pair()
            elif word in {"same", "valid"}:
                same = word == "same"
            else:
                self.wrong(word, "after the kernel come 'stride 2', 'same' or 'valid'")
        if same and not all(k % 2 for k in kernel):
            self.wrong("same", "zero padding on both sides needs an odd kernel, such as 3x3")
        return Window(kernel, stride, same)

    def end(self) -> None:
        if self._words:
            self.wrong(self._words[0], "there is a word too many")
