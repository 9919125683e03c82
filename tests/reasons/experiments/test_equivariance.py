"""Feature maps move with the picture, but for strides."""

import torch

from convlens.network.build import build
from convlens.reasons.experiments.translation.equivariance import equivariance
from networks import two_class


def test_a_convolution_moves_with_the_picture_and_strides_break_it() -> None:
    module = build(two_class("conv 4 5x5, pool 2, conv 4 3x3 stride 2, gap", 40), 0)
    layers = equivariance(module, torch.rand(2, 3, 40, 40))
    assert [layer.jump for layer in layers] == [1, 2, 4]
    for layer in layers:
        for shift, error in layer.errors.items():
            if shift % layer.jump == 0:
                assert error < 1e-14
            else:
                assert error > 1e-3
