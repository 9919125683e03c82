"""The points of a canvas from which boxes are told, at each stride."""

import torch
from torch import Tensor

from .strides import STRIDES


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


def turned_back(said_NPD: Tensor, *, height: int, width: int) -> Tensor:
    """What is said at the points of a mirrored canvas, in the order of the canvas's own points.

    Of the D values the first four are distances to the left, upper, right and lower edges.
    """
    maps, begin = [], 0
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        at_points = said_NPD[:, begin : begin + rows * columns]
        in_rows = at_points.reshape(-1, rows, columns, said_NPD.shape[-1])  # whatever the batch
        maps.append(in_rows.flip(2).flatten(1, 2))
        begin += rows * columns
    said = torch.cat(maps, 1)
    return torch.cat((said[..., 2:3], said[..., 1:2], said[..., :1], said[..., 3:]), -1)


def boxes_at(points_P2: Tensor, strides_P: Tensor, *, distances_NP4: Tensor) -> Tensor:
    """Boxes [N, P, 4] in pixels: their edges' distances from the points are in strides."""
    distances = distances_NP4 * strides_P[:, None]
    return torch.cat((points_P2 - distances[..., :2], points_P2 + distances[..., 2:]), -1)
