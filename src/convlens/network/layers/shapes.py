"""Shapes of what flows through a network, and how windows slide over it; no torch.

A shape is (channels, height, width) for feature maps and (units,) for vectors.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Shape = tuple[int, ...]
Mask: TypeAlias = "npt.NDArray[np.bool_]"
"""Marks, True or False, on what flows through a network."""


class LayerError(ValueError):
    """A layer does not fit its input; the message says why and what would fit."""


def show(shape: Shape) -> str:
    """`28×28×6` (height, width, channels, as lectures write it) or `120`."""
    return "×".join(map(str, (*shape[1:], shape[0]) if len(shape) == 3 else shape))


def feature_maps(shape: Shape, what: str) -> tuple[int, int, int]:
    """Channels, height and width. Raises `LayerError` where the shape is that of a vector."""
    if len(shape) != 3:
        raise LayerError(
            f"{what} works on feature maps and gets a vector of {shape[0]} units: "
            "put it before the first dense or gap layer"
        )
    return shape[0], shape[1], shape[2]


def pair_text(pair: tuple[int, int]) -> str:
    """`3` for (3, 3), `3x5` for (3, 5)."""
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

    def inputs_of(self, outputs: Mask, shape: Shape) -> Mask:
        """The inputs [C, height, width] under the windows of the marked outputs [C, H', W'].

        Height and width are those of `shape`, and C that of `outputs`.
        """
        import numpy as np

        (pad_y, pad_x), (step_y, step_x) = self.padding(), self.stride
        height, width = shape[1:]
        padded = np.zeros((len(outputs), height + 2 * pad_y, width + 2 * pad_x), bool)
        rows, columns = outputs.shape[1:]
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                padded[
                    :,
                    i : i + step_y * (rows - 1) + 1 : step_y,
                    j : j + step_x * (columns - 1) + 1 : step_x,
                ] |= outputs
        return padded[:, pad_y : pad_y + height, pad_x : pad_x + width]

    def __str__(self) -> str:
        return " ".join(
            part
            for part in (
                f"{self.kernel[0]}x{self.kernel[1]}",
                "same" if self.same else "",
                f"stride {pair_text(self.stride)}" if self.stride != (1, 1) else "",
            )
            if part
        )
