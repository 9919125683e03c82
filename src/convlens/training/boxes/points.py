"""The points of a canvas from which boxes are told, at each stride."""

import torch
from torch import Tensor

STRIDES = (8, 16, 32)
"""Pixels between neighbouring points, from the finest maps to the coarsest."""


def grid_points(height: int, width: int) -> tuple[Tensor, Tensor]:
    """The P points (x, y) [P, 2] of a canvas in pixels, and their strides [P].

    Examples:
        >>> points, strides = grid_points(32, 64)
        >>> len(points), points[0].tolist(), strides[-1].item()
        (42, [4.0, 4.0], 32.0)
    """
    points, strides = [], []
    for stride in STRIDES:
        down, across = ((torch.arange(side // stride) + 0.5) * stride for side in (height, width))
        y, x = torch.meshgrid(down, across, indexing="ij")
        points.append(torch.stack((x.flatten(), y.flatten()), 1))
        strides.append(torch.full((x.numel(),), float(stride)))
    return torch.cat(points), torch.cat(strides)


def boxes_at(points_P2: Tensor, strides_P: Tensor, *, distances_NP4: Tensor) -> Tensor:
    """Boxes [N, P, 4] in pixels: their edges' distances from the points are in strides."""
    distances = distances_NP4 * strides_P[:, None]
    return torch.cat((points_P2 - distances[..., :2], points_P2 + distances[..., 2:]), -1)
