"""A convolution and its twins count as torch's layers do."""

import pytest
import torch

from convlens.network.layers import Conv
from convlens.network.layers.shapes import Window
from convlens.reasons import counting


@pytest.mark.parametrize("size", [8, 33])
@pytest.mark.parametrize(
    "layer",
    [
        Conv(6, Window((5, 5))),
        Conv(4, Window((3, 3), (2, 2), same=True)),
        Conv(6, Window((3, 5), (1, 2))),
        Conv(6, Window((3, 3)), 3),
    ],
    ids=str,
)
def test_counts_are_torchs_own(layer: Conv, size: int) -> None:
    case = counting.twins_of(layer, (3, size, size))
    module = torch.nn.Conv2d(
        3, layer.filters, layer.window.kernel, layer.window.stride, layer.window.padding(),
        groups=layer.groups,
    )  # fmt: skip
    out = module(torch.zeros(1, 3, size, size))
    assert tuple(out.shape[1:]) == case.out_shape
    assert sum(p.numel() for p in module.parameters()) == case.conv.parameters
    dense = torch.nn.Linear(3 * size * size, out.numel(), device="meta")
    assert dense.weight.numel() == case.dense.weights
    ones = module.requires_grad_(False)
    ones.weight.fill_(1)
    ones.bias.zero_()  # type: ignore[union-attr]
    assert case.conv.connections == int(ones(torch.ones(1, 3, size, size)).sum())
    assert case.local.weights == out[0].numel() * ones.weight[0].numel()
