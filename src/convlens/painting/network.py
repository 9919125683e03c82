"""The network that paints in one pass (Johnson, Alahi and Fei-Fei 2016), and its file."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..dataset.examples import to_float

WIDTHS = (12, 24, 48)
"""Maps at the whole side, a half and a quarter: for 0.3 seconds and a picture of 512 pixels."""
BLOCKS = 3


class Layer(nn.Module):
    """Enlargement by repeating, convolution with mirrored borders, normalisation, ReLU.

    Each map is brought to mean 0 and deviation 1, then to a scale and an offset that are learnt.
    The moments are those of the whole picture's thumbnail where one is given (Chen et al. 2022),
    so that tiles of a picture meet without a seam; else the map's own (Ulyanov et al. 2016).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        enlarge: int = 1,
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.enlarge, self.relu = enlarge, relu
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, bias=False, padding_mode="reflect"
        )
        self.scale = nn.Parameter(torch.ones(1, outputs, 1, 1))
        self.offset = nn.Parameter(torch.zeros(1, outputs, 1, 1))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Of a picture, or of it and its thumbnail, whose moments then serve both."""
        if self.enlarge > 1:
            maps = [functional.interpolate(x, scale_factor=self.enlarge) for x in maps]
        maps = [self.conv(x) for x in maps]
        mean = maps[-1].mean((2, 3), keepdim=True)
        variance = (maps[-1] - mean).square().mean((2, 3), keepdim=True)
        factor = self.scale / (variance + 1e-5).sqrt()
        maps = [x * factor + (self.offset - mean * factor) for x in maps]
        return [functional.relu(x) for x in maps] if self.relu else maps


class Painter(nn.Module):
    """Pixels [N, 3, H, W], 0 to 1, to painted pixels; H and W are multiples of 4."""

    def __init__(self, widths: tuple[int, int, int] = WIDTHS, blocks: int = BLOCKS) -> None:
        super().__init__()
        thin, middle, thick = widths
        self.down = nn.Sequential(
            Layer(3, thin, kernel=5), Layer(thin, middle, stride=2), Layer(middle, thick, stride=2)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(Layer(thick, thick), Layer(thick, thick, relu=False))
            for _ in range(blocks)
        )
        self.up = nn.Sequential(Layer(thick, middle, enlarge=2), Layer(middle, thin, enlarge=2))
        self.last = nn.Conv2d(thin, 3, 5, padding=2, padding_mode="reflect")

    def forward(self, *pixels_NCHW: Tensor) -> Tensor:
        """The painted picture, of it alone, or of it and its thumbnail."""
        maps: list[Tensor] = self.down([pixels - 0.5 for pixels in pixels_NCHW])
        for block in self.blocks:
            maps = [x + more for x, more in zip(maps, block(maps), strict=True)]
        painted: Tensor = torch.sigmoid(self.last(self.up(maps)[0]))
        return painted


class _FromPixels(nn.Module):
    """uint8 [1, H, W, 3], and a thumbnail [1, h, w, 3], to painted uint8 [1, H, W, 3]."""

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self.painter = painter

    def forward(self, *images_NHWC: Tensor) -> Tensor:
        painted: Tensor = self.painter(*map(to_float, images_NHWC))
        return (painted.permute(0, 2, 3, 1) * 255 + 0.5).floor().to(torch.uint8)


def style_file(painter: Painter, metadata: dict[str, Any]) -> bytes:
    """The bytes of a `.onnx` that `StyleFile` reads: sealed, as a detector's are."""
    from ..export.conversion import network_graph
    from ..export.export import strip
    from ..export.metadata import with_metadata
    from .style_file import FORMAT, INPUTS, OUTPUT

    model = network_graph(_FromPixels(painter), 64, OUTPUT, inputs=INPUTS, any_size=True)
    strip(model, "style")
    return with_metadata(model, {"format": FORMAT, **metadata})
