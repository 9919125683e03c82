"""A network as plain data: its layers, every shape and count, without torch."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

from ..errors import UsageError
from ..html_table import html_table
from .layers import Activation, Conv, Dense, GlobalPool, Layer, Residual, flat
from .layers.counts import Counts
from .layers.shapes import LayerError, Shape, show
from .parse import parse_layers

PREFIX = "timm:"
"""What an architecture of timm's is written with, instead of layers: `timm:resnet18`."""


def parts_of(line: str) -> tuple[str, ...]:
    """The lines of the backbones that `timm:A+B` joins; any other line is its only part.

    Raises `UsageError` where a name is missing, or stands twice.
    """
    if not line.startswith(PREFIX):
        return (line,)
    names = line.removeprefix(PREFIX).split("+")
    if not all(names):
        raise UsageError(f"{line}: + joins two of timm's names, as in {PREFIX}resnet18+resnet50")
    if len(set(names)) < len(names):
        raise UsageError(f"{line}: joined with itself, a network sees no more than alone")
    return tuple(PREFIX + name for name in names)


@dataclass(frozen=True)
class Row:
    """One line of a network's table."""

    number: str
    text: str
    _: KW_ONLY
    in_shape: Shape
    out_shape: Shape
    counts: Counts
    convolution: bool = False


class Architecture(ABC):
    """Something with layers whose shapes and counts are known, for pictures of one size."""

    size: int
    classes: int

    @property
    @abstractmethod
    def text(self) -> str:
        """The line that makes this network again."""

    @property
    @abstractmethod
    def any_side(self) -> bool:
        """Whether the same parameters serve pictures of other sides."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Each layer with its shapes and counts. Raises `UsageError` where one does not fit."""

    def total(self) -> Counts:
        """The whole network's parameters, connections and multiplications."""
        return sum((row.counts for row in self.rows()), Counts())

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The headings and the rows of a table, from the picture to the probabilities."""
        heads = ["", "layer", "output", "parameters", "connections", "multiplications"]
        counted = [(r.number, r.text, show(r.out_shape), r.counts) for r in self.rows()]
        rows = [["", "input", f"{self.size}×{self.size}×3", "", "", ""]]
        for number, text, out, counts in [*counted, ("", "total", "", self.total())]:
            numbers = (counts.parameters, counts.connections, counts.multiplications)
            rows.append([number, text, out, *(f"{n:,}" for n in numbers)])
        rows.insert(-1, ["", "softmax", str(self.classes), "", "", ""])
        return heads, rows

    def _repr_html_(self) -> str:
        """For notebooks: the table."""
        return html_table(*self.table())

    def describe(self) -> dict[str, Any]:
        """The table as plain data."""
        total = self.total()
        return {
            "network": self.text,
            "size": self.size,
            "classes": self.classes,
            "layers": [
                {
                    "layer": row.text,
                    "number": row.number,
                    "in": show(row.in_shape),
                    "out": show(row.out_shape),
                    "parameters": row.counts.parameters,
                    "connections": row.counts.connections,
                    "multiplications": row.counts.multiplications,
                }
                for row in self.rows()
            ],
            "parameters": total.parameters,
            "connections": total.connections,
            "multiplications": total.multiplications,
        }


@dataclass(frozen=True)
class Network(Architecture):
    """Layers as written, for pictures of `size` × `size` × 3 and `classes` classes.

    The last dense layer, one unit per class, is added; softmax follows it in the loss and in the
    detector file.
    """

    layers: tuple[Layer, ...]
    size: int
    classes: int

    @property
    def in_shape(self) -> Shape:
        """(3, size, size)."""
        return (3, self.size, self.size)

    @property
    def text(self) -> str:
        """The line that makes this network again."""
        return ", ".join(map(str, self.layers))

    @property
    def any_side(self) -> bool:
        """Whether the same parameters serve pictures of other sides: so behind a `gap`."""
        for layer in flat(self.layers):
            if layer.needs_fixed_size:
                return False
            if isinstance(layer, GlobalPool):
                return True
        return False

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """The layers with the activations that the line leaves out and the last dense layer."""
        return (*with_activations(self.layers), Dense(self.classes))

    def rows(self) -> Iterator[Row]:
        """Each layer with its shapes and counts. Raises `UsageError` where one does not fit."""
        shape = self.in_shape
        number = 0
        for layer in self.all_layers:
            number += not isinstance(layer, Activation)  # a layer and its activation count as one
            try:
                out, counts = layer.out_shape(shape), layer.counts(shape)
            except LayerError as error:
                raise UsageError(f"network: layer {number}, '{layer}': {error}") from None
            yield Row(
                str(number),
                str(layer),
                in_shape=shape,
                out_shape=out,
                counts=counts,
                convolution=isinstance(layer, Conv),
            )
            shape = out


def with_activations(layers: tuple[Layer, ...], last_linear: bool = False) -> tuple[Layer, ...]:
    """Put relu after each layer that has an activation and names none.

    `linear` is the way to say none, and is itself left out. In a residual block the last layer is
    linear, since the block's own activation comes after the sum.
    """
    out: list[Layer] = []
    pending = False
    for layer in layers:
        if pending and not (layer.precedes_activation or isinstance(layer, Activation)):
            out.append(Activation("relu"))
            pending = False
        if isinstance(layer, Activation):
            pending = False
            if layer.name == "linear":
                continue
        if isinstance(layer, Residual):
            layer = Residual(with_activations(layer.body, last_linear=True), layer.activation)  # noqa: PLW2901
        out.append(layer)
        pending = pending or layer.has_activation
    if pending and not last_linear:
        out.append(Activation("relu"))
    return tuple(out)


def network(line: str, size: int, *, classes: int) -> Network:
    """Read a network and check that every layer fits. Raises `UsageError`."""
    if not 1 <= size <= 100_000:
        raise UsageError(f"--size {size}: a picture's side is 1 to 100,000 pixels")
    spec = Network(parse_layers(line), size, classes)
    spec.total()
    return spec
