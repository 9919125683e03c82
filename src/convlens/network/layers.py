"""The layers that a network is written with: shapes and exact counts, no torch.

A shape is (channels, height, width) for feature maps and (units,) for vectors. Counts are exact
integers of any size. *Parameters* are the distinct numbers that a layer learns. *Connections* are
the input-output pairs that it multiplies, those that fall on padding left out. *Multiplications*
are those done for one picture, padding included, as usually counted; normalisation, pooling and
activations count none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

Shape = tuple[int, ...]


class LayerError(ValueError):
    """A layer does not fit its input; the message says why and what would fit."""


@dataclass(frozen=True)
class Counts:
    """What one layer costs; they add up."""

    parameters: int = 0
    connections: int = 0
    multiplications: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.parameters + other.parameters,
            self.connections + other.connections,
            self.multiplications + other.multiplications,
        )


def show(shape: Shape) -> str:
    """`28×28×6` (height, width, channels, as lectures write it) or `120`."""
    return "×".join(map(str, (*shape[1:], shape[0]) if len(shape) == 3 else shape))


def _maps(shape: Shape, what: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise LayerError(
            f"{what} works on feature maps and gets a vector of {shape[0]} units: "
            "put it before the first dense or gap layer"
        )
    return shape[0], shape[1], shape[2]


def _size(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


@dataclass(frozen=True)
class Window:
    """How a kernel slides: kernel, stride and zero padding, each (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    same: bool = False

    def padding(self) -> tuple[int, int]:
        """Zeros added on each side: none (`valid`), or (kernel - 1) / 2 (`same`)."""
        return ((self.kernel[0] - 1) // 2, (self.kernel[1] - 1) // 2) if self.same else (0, 0)

    def slide(self, height: int, width: int, *, what: str) -> tuple[int, int]:
        """Output height and width: floor((n + 2 padding - kernel) / stride) + 1."""
        pad = self.padding()
        for n, k, p in zip((height, width), self.kernel, pad, strict=True):
            if n + 2 * p < k:
                raise LayerError(
                    f"the {self.kernel[0]}×{self.kernel[1]} window of {what} is larger than its "
                    f"{height}×{width} input: use {min(height, width)}×{min(height, width)} or "
                    "less, pool less before it, or train at a larger size"
                )
        return (
            (height + 2 * pad[0] - self.kernel[0]) // self.stride[0] + 1,
            (width + 2 * pad[1] - self.kernel[1]) // self.stride[1] + 1,
        )

    def pairs(self, height: int, width: int, out: tuple[int, int]) -> int:
        """Pairs of (output position, input position inside the picture)."""
        product = 1
        for axis, n in enumerate((height, width)):
            k, s, p = self.kernel[axis], self.stride[axis], self.padding()[axis]
            product *= sum(min(n, i * s - p + k) - max(0, i * s - p) for i in range(out[axis]))
        return product

    def __str__(self) -> str:
        return " ".join(
            part
            for part in (
                f"{self.kernel[0]}x{self.kernel[1]}",
                "same" if self.same else "",
                f"stride {_size(self.stride)}" if self.stride != (1, 1) else "",
            )
            if part
        )


@dataclass(frozen=True)
class Conv:
    """Convolution (cross-correlation, as the field has it): `filters` filters with a bias each.

    With several `groups`, the channels and the filters are dealt out to them in order, and a filter
    sees its own group's channels only.
    """

    filters: int
    window: Window
    groups: int = 1

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [filters, H', W']."""
        channels, height, width = _maps(shape, "conv")
        if channels % self.groups or self.filters % self.groups:
            raise LayerError(
                f"{channels} channels and {self.filters} filters cannot be dealt out to "
                f"{self.groups} groups: both have to be multiples of it"
            )
        return (self.filters, *self.window.slide(height, width, what="conv"))

    def counts(self, shape: Shape) -> Counts:
        """kernel × C / groups × filters shared weights, and one bias per filter."""
        channels, height, width = _maps(shape, "conv")
        out = self.window.slide(height, width, what="conv")
        pairs_of_maps = channels // self.groups * self.filters
        weights = prod(self.window.kernel) * pairs_of_maps
        pairs = self.window.pairs(height, width, out) * pairs_of_maps
        return Counts(weights + self.filters, pairs, weights * prod(out))

    def __str__(self) -> str:
        groups = f" groups {self.groups}" if self.groups > 1 else ""
        return f"conv {self.filters} {self.window}{groups}"


@dataclass(frozen=True)
class Local:
    """A convolution's connections with nothing shared: every position has its own filters."""

    filters: int
    window: Window

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [filters, H', W']."""
        _, height, width = _maps(shape, "local")
        return (self.filters, *self.window.slide(height, width, what="local"))

    def counts(self, shape: Shape) -> Counts:
        """One weight per kernel cell, channel, filter and position; one bias per output unit."""
        channels, height, width = _maps(shape, "local")
        out = self.window.slide(height, width, what="local")
        weights = prod(self.window.kernel) * channels * self.filters * prod(out)
        pairs = self.window.pairs(height, width, out) * channels * self.filters
        return Counts(weights + self.filters * prod(out), pairs, weights)

    def __str__(self) -> str:
        return f"local {self.filters} {self.window}"


@dataclass(frozen=True)
class Full:
    """A convolution's outputs, each of them connected to every input: nothing shared or sparse."""

    filters: int
    window: Window

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [filters, H', W']."""
        _, height, width = _maps(shape, "full")
        return (self.filters, *self.window.slide(height, width, what="full"))

    def counts(self, shape: Shape) -> Counts:
        """inputs × outputs weights and one bias per output unit, as in a dense layer."""
        return Dense(prod(self.out_shape(shape))).counts(shape)

    def __str__(self) -> str:
        return f"full {self.filters} {self.window}"


@dataclass(frozen=True)
class Pool:
    """Maximum or average over a window.

    With `blur` it first slides one by one; its map is blurred by the filter [1 2 1]² / 16, and only
    then subsampled (Zhang 2019).
    """

    kind: str
    window: Window
    blur: bool = False

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [C, H', W']."""
        channels, height, width = _maps(shape, self.kind)
        return (channels, *self.window.slide(height, width, what=self.kind))

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        _maps(shape, self.kind)
        return Counts()

    def __str__(self) -> str:
        kernel, stride = self.window.kernel, self.window.stride
        step = f" stride {_size(stride)}" if stride != kernel else ""
        same, blur = " same" if self.window.same else "", " blur" if self.blur else ""
        return f"{self.kind} {_size(kernel)}{step}{same}{blur}"


@dataclass(frozen=True)
class GlobalPool:
    """Global average pooling: each feature map becomes its mean."""

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [C]."""
        return (_maps(shape, "gap")[0],)

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        _maps(shape, "gap")
        return Counts()

    def __str__(self) -> str:
        return "gap"


@dataclass(frozen=True)
class Dense:
    """Fully connected: every unit sees every input; feature maps are flattened first."""

    units: int

    def out_shape(self, shape: Shape) -> Shape:
        """Anything to [units]."""
        return (self.units,)

    def counts(self, shape: Shape) -> Counts:
        """inputs × units weights and one bias per unit."""
        weights = prod(shape) * self.units
        return Counts(weights + self.units, weights, weights)

    def __str__(self) -> str:
        return f"dense {self.units}"


@dataclass(frozen=True)
class Norm:
    """Batch normalisation (Ioffe and Szegedy 2015): per channel, over a fixed group of pictures."""

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape

    def counts(self, shape: Shape) -> Counts:
        """A scale and a shift per channel; in the exported file they fold into the convolution."""
        return Counts(parameters=2 * shape[0])

    def __str__(self) -> str:
        return "norm"


@dataclass(frozen=True)
class ResponseNorm:
    """Local response normalisation: each unit divided by a measure of the five channels about it.

    x / (2 + 0.0001 × their sum of squares) ^ 0.75 (Krizhevsky et al. 2012, section 3.3).
    """

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        _maps(shape, "lrn")
        return shape

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned."""
        return Counts()

    def __str__(self) -> str:
        return "lrn"


ACTIVATIONS = ("relu", "gelu", "silu", "tanh", "sigmoid", "linear")


@dataclass(frozen=True)
class Activation:
    """A function of each unit by itself; `linear` leaves it as it is."""

    name: str

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned."""
        return Counts()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Dropout:
    """In training each unit is set to zero with probability `rate`, the others scaled up."""

    rate: float

    def out_shape(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned."""
        return Counts()

    def __str__(self) -> str:
        return f"dropout {self.rate:g}"


@dataclass(frozen=True)
class Residual:
    """A block with a shortcut (He et al. 2015): out = activation(body(x) + shortcut(x)).

    The shortcut is x itself, or a 1×1 convolution where the body changes the shape.
    """

    body: tuple["Layer", ...]
    activation: str = "relu"

    def shortcut(self, shape: Shape) -> Conv | None:
        """The 1×1 convolution that the shortcut needs, if any. Raises `LayerError`."""
        _, height, width = _maps(shape, "residual")
        out = shape
        for layer in self.body:
            out = layer.out_shape(out)
        filters, out_height, out_width = _maps(out, "the end of a residual block")
        if out == shape:
            return None
        stride = (-(-height // out_height), -(-width // out_width))
        conv = Conv(filters, Window((1, 1), stride))
        if conv.out_shape(shape) != out:
            raise LayerError(
                f"a residual block adds its input, {show(shape)}, to what its layers make of it, "
                f"{show(out)}, and no stride brings the two together: write 'same' after the "
                "kernels inside the brackets"
            )
        return conv

    def out_shape(self, shape: Shape) -> Shape:
        """The body's."""
        self.shortcut(shape)
        for layer in self.body:
            shape = layer.out_shape(shape)
        return shape

    def counts(self, shape: Shape) -> Counts:
        """The body's and the shortcut's."""
        conv = self.shortcut(shape)
        total = conv.counts(shape) if conv else Counts()
        for layer in self.body:
            total += layer.counts(shape)
            shape = layer.out_shape(shape)
        return total

    def __str__(self) -> str:
        inside = ", ".join(map(str, self.body))
        return f"residual [{inside}]" + ("" if self.activation == "relu" else f" {self.activation}")


Layer = (
    Conv
    | Local
    | Full
    | Pool
    | GlobalPool
    | Dense
    | Norm
    | ResponseNorm
    | Activation
    | Dropout
    | Residual
)


def flat(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Every layer, those inside residual blocks too."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from flat(layer.body)
