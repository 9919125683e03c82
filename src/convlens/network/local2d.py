"""The torch module of a convolution whose weights are not shared."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers.shapes import Shape, Window


class Local2d(nn.Module):
    """A convolution's connections with a weight of their own at every position.

    Weights [positions, kernel × in channels, filters], bias [positions, filters].
    """

    def __init__(self, in_shape: Shape, filters: int, *, window: Window) -> None:
        super().__init__()
        self.window = window
        self.out = window.slide(in_shape[1], in_shape[2], what="local")
        fan_in = in_shape[0] * window.kernel[0] * window.kernel[1]
        self.weight = nn.Parameter(torch.empty(self.out[0] * self.out[1], fan_in, filters))
        self.bias = nn.Parameter(torch.zeros(self.out[0] * self.out[1], filters))

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """[N, C, H, W] to [N, filters, H', W']."""
        (pad_y, pad_x), (step_y, step_x) = self.window.padding(), self.window.stride
        x = functional.pad(x_NCHW, (pad_x, pad_x, pad_y, pad_y))
        rows, columns = self.out
        shifted = [
            x[
                :,
                :,
                i : i + step_y * (rows - 1) + 1 : step_y,
                j : j + step_x * (columns - 1) + 1 : step_x,
            ]
            for i in range(self.window.kernel[0])
            for j in range(self.window.kernel[1])
        ]
        # [N, kernel, C, H', W'] -> [positions, N, kernel × C]
        patches = torch.stack(shifted, 1).flatten(3).permute(3, 0, 1, 2).flatten(2)
        out = torch.bmm(patches, self.weight) + self.bias[:, None]
        return out.permute(1, 2, 0).reshape(-1, out.shape[2], rows, columns)
