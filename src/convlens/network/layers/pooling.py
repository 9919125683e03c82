"""Pooling over a window, and over a whole map; no torch."""

from dataclasses import dataclass

from .counts import Counts
from .layer import Layer
from .shapes import LayerError, Mask, Shape, Window, feature_maps, pair_text
from .words import Words


@dataclass(frozen=True)
class Pool(Layer):
    """Maximum or average over a window.

    With `blur` it first slides one by one; its map is blurred by the filter [1 2 1]² / 16, and only
    then subsampled (Zhang 2019).
    """

    names = ("pool", "maxpool", "avgpool")
    grammar = """\
  pool 2             maximum over 2×2, stride 2; also: stride 2, same, blur (before subsampling)
  avgpool 2          mean instead of maximum
"""

    kind: str
    window: Window
    blur: bool = False

    @classmethod
    def parse(cls, words: Words) -> "Pool":
        """`pool 3 stride 2 same blur`."""
        blur = words.has("blur")
        window = words.window(stride_is_kernel=True)
        return cls("avgpool" if words.name == "avgpool" else "pool", window, blur)

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [C, H', W']."""
        channels, height, width = feature_maps(shape, self.kind)
        if self.blur:
            pooled = Window(self.window.kernel, (1, 1), self.window.same).slide(
                height, width, what=self.kind
            )
            if min(pooled) < 2:
                raise LayerError(
                    f"{self} has {pooled[0]}×{pooled[1]} to blur, and its filter of 3×3 takes 2×2: "
                    "leave blur out here"
                )
        return (channels, *self.window.slide(height, width, what=self.kind))

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        feature_maps(shape, self.kind)
        return Counts()

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """The channel's own under the window, and with `blur` those under its neighbours'."""
        if not self.blur:
            return self.window.inputs_of(outputs, shape)
        pooling = Window(self.window.kernel, (1, 1), self.window.same)
        blurring = Window((3, 3), self.window.stride, same=True)
        pooled = (shape[0], *pooling.slide(shape[1], shape[2], what=self.kind))
        return pooling.inputs_of(blurring.inputs_of(outputs, pooled), shape)

    def __str__(self) -> str:
        kernel, stride = self.window.kernel, self.window.stride
        step = f" stride {pair_text(stride)}" if stride != kernel else ""
        same, blur = " same" if self.window.same else "", " blur" if self.blur else ""
        return f"{self.kind} {pair_text(kernel)}{step}{same}{blur}"


@dataclass(frozen=True)
class GlobalPool(Layer):
    """Global average pooling: each feature map becomes its mean."""

    names = ("gap",)
    grammar = "  gap                global average pooling\n"

    @classmethod
    def parse(cls, words: Words) -> "GlobalPool":
        """`gap`."""
        return cls()

    def out_shape(self, shape: Shape) -> Shape:
        """[C, H, W] to [C]."""
        return (feature_maps(shape, "gap")[0],)

    def counts(self, shape: Shape) -> Counts:
        """Nothing is learned and nothing multiplied."""
        feature_maps(shape, "gap")
        return Counts()

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """The whole map of each mean."""
        return outputs.repeat(shape[1] * shape[2]).reshape(shape)

    def __str__(self) -> str:
        return "gap"


POOLING_LAYERS: tuple[type[Layer], ...] = (Pool, GlobalPool)
"""In the order of the printed grammar."""
