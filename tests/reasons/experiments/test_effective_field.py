"""The effective receptive field."""

import numpy as np
import torch

from convlens.network.build import build
from convlens.reasons.experiments.dependence.effective_field import effective_field
from networks import two_class


def test_the_effective_field_lies_within_the_theoretical_one() -> None:
    spec = two_class("conv 8 3x3 same, conv 8 3x3 same, conv 8 3x3 same, gap", 32)
    module = build(spec, 0)
    layer = module.layers[4]  # type: ignore[index]
    found = effective_field(module, layer, name="third", pixels_NCHW=torch.rand(4, 3, 32, 32))
    assert found.gradients.max() == 1
    assert 1 < found.side <= 7
    rows, columns = np.nonzero(found.gradients)
    assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (7, 7)
