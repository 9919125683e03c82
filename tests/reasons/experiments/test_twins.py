"""Twins differ in what they are to differ in, and in nothing else."""

import pytest
import torch
from timm.layers import BlurPool2d

from convlens.errors import UsageError
from convlens.network.build import build
from convlens.network.layers import Full, Local
from convlens.network.modules import Blur
from convlens.network.named import describe_network
from convlens.network.spec import Network, network
from convlens.reasons.experiments.twins import blurred, largest_size, narrow_dense, twin
from networks import LECTURE, two_class


def test_blur_is_timms() -> None:
    x = torch.rand(2, 5, 12, 16)
    assert torch.allclose(Blur((2, 2))(x), BlurPool2d(5, 3, 2)(x), atol=1e-6)
    blurs = two_class(LECTURE.replace("pool 2", "pool 2 blur"), 32)
    assert [r.out_shape for r in blurs.rows()] == [
        r.out_shape for r in two_class(LECTURE, 32).rows()
    ]
    assert blurred(two_class(LECTURE, 32)) == blurs
    assert network(blurs.text, 32, classes=2) == blurs


def test_twins_keep_the_outputs_and_lose_sharing_then_sparsity() -> None:
    conv = two_class(LECTURE, 32)
    local, full = twin(conv, Local), twin(conv, Full)
    shapes = [row.out_shape for row in conv.rows()]
    assert [row.out_shape for row in local.rows()] == shapes
    assert [row.out_shape for row in full.rows()] == shapes
    for spec in (conv, local, full):
        module = build(spec, 0)
        assert sum(p.numel() for p in module.parameters()) == spec.total().parameters
        assert module(torch.rand(2, 3, 32, 32)).shape == (2, 2)
        assert network(spec.text, 32, classes=2) == spec
    counts = [spec.total().parameters for spec in (conv, local, full)]
    assert counts == sorted(counts)
    assert largest_size(conv) == 32
    wide = "conv 64 3x3, pool 2, conv 64 3x3"
    parameters = [twin(two_class(wide, side), Full).total().parameters for side in (20, 24)]
    assert parameters[0] <= 50_000_000 < parameters[1]
    assert largest_size(two_class(wide, 32)) == 20
    few = two_class(narrow_dense(conv), 32).total().parameters
    assert 0.9 < few / conv.total().parameters <= 1


def test_a_network_too_large_for_small_pictures_has_no_twin_there() -> None:
    alexnet = describe_network("alexnet", 227, classes=2)
    assert isinstance(alexnet, Network)
    assert largest_size(alexnet) is None


def test_maps_too_small_to_blur_are_pooled_as_they_were() -> None:
    line = ", ".join(f"conv {4 * 2**n} 3x3 same, pool 2" for n in range(5))
    smooth = blurred(network(line, 32, classes=2))
    assert smooth.text.count("blur") == 4
    assert build(smooth, 0)(torch.rand(2, 3, 32, 32)).shape == (2, 2)
    with pytest.raises(UsageError, match="leave blur out here"):
        network(line.replace("pool 2", "pool 2 blur"), 32, classes=2).total()
