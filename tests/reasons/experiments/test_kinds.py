"""Filters that were made to be of a kind are told to be."""

import numpy as np
import torch

from convlens.network.build import build
from convlens.network.spec import network
from convlens.reasons.experiments.filters.kinds import (
    COLOURS,
    EDGES,
    SILENT,
    TEXTURES,
    measure,
    section,
)


def test_edges_colours_and_textures_are_told_apart() -> None:
    module = build(network("conv 6 5x5, gap", 64, classes=2), 0)
    conv = next(part for part in module.modules() if isinstance(part, torch.nn.Conv2d))
    row = np.array([-1.0, -2.0, 0.0, 2.0, 1.0])
    blob = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]) / 81
    spot = np.where(np.hypot(*np.mgrid[-2:3, -2:3]) < 1, 1.0, 0.0)
    filters = [
        np.stack([np.outer(np.ones(5), row)] * 3),
        np.stack([np.outer(row, np.ones(5))] * 3),
        np.stack([np.add.outer(row, row)] * 3),
        np.stack([blob, -blob / 2, -blob / 2]),
        np.stack([spot - blob] * 3),
        np.zeros((3, 5, 5)),
    ]
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(np.stack(filters)))
        assert conv.bias is not None
        conv.bias.zero_()
    (layer,) = measure(module, 64)
    assert layer.kinds == [EDGES, EDGES, EDGES, COLOURS, TEXTURES, SILENT]
    assert layer.depth == "first"
    made = section([layer])
    assert "50 % answer to edges" in made.claims[0].figure
