"""The theoretical receptive field, against gradients."""

import numpy as np
import pytest
import torch

from convlens.network.build import build
from convlens.reasons.receptive_field import middle, receptive_field
from networks import LECTURE, RESIDUAL, two_class


@pytest.mark.parametrize(("line", "size"), [(LECTURE, 32), (RESIDUAL, 24)])
def test_what_an_output_depends_on_is_what_gradients_reach(line: str, size: int) -> None:
    spec = two_class(line.replace("pool 2", "avgpool 2").replace("avgavg", "avg"), size)
    module = build(spec, 0).double().eval()
    for part in module.modules():  # nothing can cancel or be cut off where all weights are positive
        for parameter in part.parameters(recurse=False):
            parameter.data = parameter.data.abs() + 0.1
    shape = spec.in_shape
    layers = spec.all_layers
    for depth, layer in enumerate(layers, 1):
        shape = layer.out_shape(shape)
        unit = middle(shape)
        pixels = torch.rand(1, *spec.in_shape, dtype=torch.float64, requires_grad=True)
        module.layers[:depth](pixels)[0][unit].backward()  # type: ignore[index]
        assert pixels.grad is not None
        reached = (pixels.grad[0] != 0).numpy()
        assert np.array_equal(reached, receptive_field(layers[:depth], spec.in_shape, unit=unit))
